"""The README's picture is the table's, and its first DAG is one."""

import re
from pathlib import Path

from moroccron.loader import Loader
from moroccron.model.attempt import diagram

README = Path(__file__).parents[2] / "README.md"


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
