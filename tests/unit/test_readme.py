"""The README's picture is the table's, its first DAG is one, and no page of the docs points nowhere."""

import re
from pathlib import Path

import pytest

from moroccron.loader import Loader
from moroccron.model.attempt import diagram

CHECKOUT = Path(__file__).parents[2]
README = CHECKOUT / "README.md"
PAGES = [*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/**/*.md")]


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", README.read_text(), re.DOTALL)
    assert found is not None
    return found.group(1).strip()


def test_the_diagram_is_drawn_from_the_table() -> None:
    assert block("mermaid") == diagram()


def test_the_first_dag_loads(tmp_path: Path) -> None:
    (tmp_path / "hello.py").write_text(block("python"))
    (file,) = Loader(tmp_path).load_all().files
    assert file.errors == ()
    (version,) = file.versions
    assert [job.id for job in version.jobs] == ["fetch", "count", "clean"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(CHECKOUT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text())
    inner = [link for link in links if "://" not in link and not link.startswith("mailto:")]
    assert [link for link in inner if not (page.parent / link).exists()] == []
