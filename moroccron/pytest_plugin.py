"""What moroccron brings to pytest: the fixture `dag_runner`, and where the DAG folder is.

Loaded by every pytest of an environment that has moroccron, so it loads nothing until a test asks.
"""

import importlib
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """The DAG folder, as the ini file names it."""
    parser.addini(
        "moroccron_dags", "moroccron's DAG folder, from the root folder on", default="dags"
    )


@pytest.fixture
def dag_runner(pytestconfig: pytest.Config) -> Any:
    """Runs DAGs on virtual time: `dag_runner("dags/etl.py").run(outcomes={"load": fails()})`."""
    runner = importlib.import_module("moroccron.testing.dag_runner").DagRunner
    return runner(
        pytestconfig.rootpath, pytestconfig.rootpath / pytestconfig.getini("moroccron_dags")
    )
