"""What holds for every test: where `CI` is set, a test that skips has failed.

A skip that is right even there is marked `@pytest.mark.may_skip("why")`.
"""

import os
from collections.abc import Generator

import pytest

from moroccron import pytest_plugin

pytest_plugins = ["tests.plugins.databases", "tests.plugins.cluster"]

REMEDY = "On CI nothing may skip: install what it lacks, or mark it may_skip and say why."


def pytest_configure(config: pytest.Config) -> None:
    """Our own plugin, also where moroccron is on the path without being installed."""
    if not config.pluginmanager.is_registered(pytest_plugin):
        config.pluginmanager.register(pytest_plugin, "moroccron")


def refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{report.longrepr}\n{REMEDY}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if item.get_closest_marker("may_skip") is None:
        refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    refuse_skip(report)
    return report
