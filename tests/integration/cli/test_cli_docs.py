"""The reference pages say what the command line says."""

from pathlib import Path

import pytest

from moroccron.cli import reference
from moroccron.core import rule_table

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("cli.md", reference.cli_page),
        ("settings.md", reference.settings_page),
        ("trigger-rules.md", rule_table.page),
    ],
)
def test_the_reference_is_up_to_date(name: str, made: object) -> None:
    assert callable(made)
    remedy = "run `python -m moroccron.cli.reference docs`"
    assert (DOCS / name).read_text(encoding="utf-8") == made(), remedy


def test_main_writes_all(tmp_path: Path) -> None:
    reference.main(tmp_path / "docs")
    assert (tmp_path / "docs" / "cli.md").read_text() == reference.cli_page()
    assert (tmp_path / "docs" / "settings.md").read_text() == reference.settings_page()
    assert (tmp_path / "docs" / "trigger-rules.md").read_text() == rule_table.page()
