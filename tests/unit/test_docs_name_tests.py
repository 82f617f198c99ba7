"""Where the documentation names a test or a file as proof, there is one."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").glob("*.md"))
TEXTS = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))
DEFINED = frozenset(re.findall(r"(?:def|class) ((?:test_|Test)\w+)", TEXTS))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_exists(page: Path) -> None:
    text = page.read_text()
    named = set(re.findall(r"`(?:Test\w+::)?((?:test_|Test)\w+)`", text))
    files = set(re.findall(r"`(tests/[\w/]+\.py)`", text))
    assert not named - DEFINED
    assert not [file for file in files if not (ROOT / file).exists()]
