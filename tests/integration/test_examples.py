"""The examples load clean, and their commands do on this machine what their text says."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from moroccron.loader import Loader
from moroccron.model.dag_version import DagVersion, JobSpec, TriggerRule
from moroccron.resources import examples_dir

NAMES = (
    "build_test_publish",
    "failure_and_cleanup",
    "machine_survey",
    "nightly_report",
    "word_count",
)

FRAMEWORK = "1f-of-this-installation"


@pytest.fixture(scope="module")
def examples() -> dict[str, DagVersion]:
    files = Loader(examples_dir()).load_all().files
    assert [error for file in files for error in file.errors] == []
    return {version.dag_id: version for file in files for version in file.versions}


def test_each_file_declares_a_documented_dag(examples: dict[str, DagVersion]) -> None:
    assert sorted(examples) == list(NAMES)
    for version in examples.values():
        assert version.doc
        assert version.owners
        assert version.tags
        for job in version.jobs:
            assert job.doc
            assert job.resources.cpus <= 500
            assert job.resources.mem <= 128


def test_one_fires_soon_and_one_only_by_hand(examples: dict[str, DagVersion]) -> None:
    assert examples["word_count"].schedule is not None
    assert examples["build_test_publish"].schedule is None


def run(job: JobSpec, version: DagVersion, folder: Path, attempt: int = 1) -> int:
    """Run a job's command as an agent would, in a sandbox."""
    sandbox = folder / "sandbox" / job.id
    sandbox.mkdir(parents=True, exist_ok=True)
    argv = ["/bin/sh", "-c", job.command] if isinstance(job.command, str) else job.command
    env = {
        "PATH": os.environ["PATH"],
        "TMPDIR": str(folder),
        "MOROCCRON_DAG": version.dag_id,
        "MOROCCRON_FRAMEWORK_ID": FRAMEWORK,
        "MOROCCRON_RUN": f"{version.dag_id}@manual-1",
        "MOROCCRON_JOB": job.id,
        "MOROCCRON_ATTEMPT": str(attempt),
        "MOROCCRON_TASK_ID": f"{version.dag_id}@manual-1@{job.id}@{attempt}.1",
        "MOROCCRON_INTERVAL_START": "2026-03-29T00:00:00+00:00",
        "MOROCCRON_INTERVAL_END": "2026-03-30T00:00:00+00:00",
        "MOROCCRON_PARAMS": json.dumps(dict(version.params)),
        **dict(job.env),
    }
    with (sandbox / "stdout").open("wb") as out, (sandbox / "stderr").open("wb") as err:
        return subprocess.run(
            argv, cwd=sandbox, env=env, stdout=out, stderr=err, check=False
        ).returncode


def output(folder: Path, job_id: str) -> str:
    return (folder / "sandbox" / job_id / "stdout").read_text()


@pytest.mark.parametrize("name", [n for n in NAMES if n != "failure_and_cleanup"])
def test_runs_through(examples: dict[str, DagVersion], name: str, tmp_path: Path) -> None:
    version = examples[name]
    for job in version.jobs:
        code = run(job, version, tmp_path)
        if code and job.retries:
            code = run(job, version, tmp_path, attempt=2)
        assert code == 0, (tmp_path / "sandbox" / job.id / "stderr").read_text()
    if name == "build_test_publish":
        assert (tmp_path / "moroccron" / FRAMEWORK / "published/greeter-1.0.pyz").is_file()
    if name == "word_count":
        assert len(output(tmp_path, "merge").splitlines()) == 20
    if name != "machine_survey":
        assert not (tmp_path / "moroccron" / FRAMEWORK / f"{name}@manual-1").exists()


def test_failure_is_deliberate_and_cleaned_up(
    examples: dict[str, DagVersion], tmp_path: Path
) -> None:
    version = examples["failure_and_cleanup"]
    jobs = {job.id: job for job in version.jobs}
    codes = {id: run(job, version, tmp_path) for id, job in jobs.items()}
    assert codes == {"prepare": 0, "use": 3, "celebrate": 0, "alarm": 0, "clean_up": 0}
    assert jobs["alarm"].trigger_rule is TriggerRule.ONE_FAILED
    assert jobs["clean_up"].trigger_rule is TriggerRule.ALL_DONE
    assert not (tmp_path / "moroccron" / FRAMEWORK / "failure_and_cleanup@manual-1").exists()


def test_installations_on_one_machine_share_no_folder(examples: dict[str, DagVersion]) -> None:
    for version in examples.values():
        for job in version.jobs:
            used = str(job.command).count("/moroccron")
            assert str(job.command).count("/moroccron/$MOROCCRON_FRAMEWORK_ID") == used


def test_merge_that_failed_is_tried_again_with_success(
    examples: dict[str, DagVersion], tmp_path: Path
) -> None:
    version = examples["word_count"]
    *others, merge = version.jobs
    assert [run(job, version, tmp_path) for job in others] == [0] * len(others)
    blocked = tmp_path / "moroccron" / FRAMEWORK / "word_count@manual-1" / "sorted"
    blocked.mkdir()  # stands in the way of the first attempt
    assert run(merge, version, tmp_path) != 0
    blocked.rmdir()
    assert run(merge, version, tmp_path, attempt=2) == 0
    assert len(output(tmp_path, "merge").splitlines()) == 20
    assert not blocked.parent.exists()
