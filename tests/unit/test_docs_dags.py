"""No example rots: every DAG of the documentation is loaded and run, and every test in it passes.

A block of Python is a file of a project, which all blocks of its page share; a comment in its first line names it.
One that only shows jobs is put into a DAG, with a job for every name that it takes for granted.
"""

import ast
import builtins
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

import moroccron
from moroccron.testing import DagRunner, agent

CHECKOUT = Path(__file__).parents[2]
PAGES = [CHECKOUT / "README.md", *sorted(CHECKOUT.glob("docs/**/*.md"))]

#: what examples of constraints ask for
AGENTS = [agent(f"agent-{number}", rack=f"r{number}", disk="ssd") for number in range(1, 4)]


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    """The name and the text of each block of Python."""
    found = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    for number, text in enumerate(found):
        named = re.match(r"# (\S+\.py)\n", text)
        yield named[1] if named else f"dags/block_{number}.py", text if named else whole(text)


def whole(text: str) -> str:
    """A file made of a passage that leaves out what surrounds it."""
    if "DAG(" not in text:
        granted = "".join(f'{name} = Job("{name}", "./{name}")\n' for name in free_names(text))
        text = f'with DAG("passage"):\n{textwrap.indent(granted + text, "    ")}'
    return f"from moroccron import *\n{text}"


def free_names(text: str) -> list[str]:
    """Names that a passage uses without saying where they come from."""
    names = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)]
    stored = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    known = stored | set(moroccron.__all__) | set(dir(builtins))
    return sorted({node.id for node in names} - known)


def of_kind(test: bool) -> list[object]:
    return [
        pytest.param(page, name, id=f"{page.relative_to(CHECKOUT)}:{name}")
        for page in PAGES
        for name, _ in blocks(page)
        if name.startswith("tests/") is test
    ]


@pytest.fixture
def project(tmp_path: Path) -> DagRunner:
    return DagRunner(tmp_path, Path("dags"))


def lay_out(page: Path, folder: Path) -> None:
    for name, text in blocks(page):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)


@pytest.mark.parametrize(("page", "name"), of_kind(test=False))
def test_dags_load_and_run(page: Path, name: str, project: DagRunner, tmp_path: Path) -> None:
    lay_out(page, tmp_path)
    declared = project.all_of(name)
    assert declared, "a block of Python that declares no DAG: make it whole, or mark it otherwise"
    for dag in declared:
        assert dag.run(agents=AGENTS).state == "succeeded"


@pytest.mark.parametrize(("page", "name"), of_kind(test=True))
def test_tests_pass(page: Path, name: str, project: DagRunner, tmp_path: Path) -> None:
    lay_out(page, tmp_path)
    module: dict[str, object] = {}
    exec(compile((tmp_path / name).read_text(), name, "exec"), module)
    tests = [value for key, value in module.items() if key.startswith("test_")]
    assert tests
    for test in tests:
        test(project)  # type: ignore[operator]
