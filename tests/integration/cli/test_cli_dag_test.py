"""`moroccron dags test`: a DAG run for real on this machine, of which nothing stays."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.cli.conftest import World
from tests.waiting import until

DAGS = """
from moroccron import DAG, Job

with DAG("good", schedule="* * * * *", params={"who": "you", "n": 1}):
    one = Job("one", "echo first; echo oops >&2; printf unended")
    two = Job("two", "echo $MOROCCRON_PARAMS $MOROCCRON_LOGICAL_DATE; [ $MOROCCRON_ATTEMPT = 2 ]", retries=1)
    one >> two >> Job("last", "echo done", mem="900GiB")

with DAG("bad"):
    Job("breaks", "echo broken; exit 3") >> Job("never", "echo never")

with DAG("placed"):
    Job("there", "true", constraints=[("rack", "IS", "r1")])

with DAG("boxed"):
    Job("in_a_box", "true", image="debian") >> Job("beside", "true")
"""


@pytest.fixture
def here(bare: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A folder with a DAG file and no database; what is for a while lies below it, too."""
    (tmp_path / "d.py").write_text(DAGS)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    return bare


def is_clean(world: World) -> bool:
    return {path.name for path in world.folder.iterdir()} <= {"d.py", "tmp"} and not any(
        (world.folder / "tmp").iterdir()
    )


def test_runs_it_and_shows_what_is_written(here: World) -> None:
    moment = "2026-03-01T00:00Z"
    words = ("--dag", "good", "--param", "who=me", "--logical-date", moment)
    result = here.run("dags", "test", "d.py", *words)
    assert result.exit_code == 0, result.output
    told = result.stderr.splitlines()
    for line in (
        "one  | first",
        "one  | oops",
        "one  | unended",
        'two  | {"n": 1, "who": "me"} 2026-03-01T00:00:00+00:00',
        "last | done",
    ):
        assert line in told
    ended = [line for line in told if line.startswith("two    attempt ")]
    assert ["✘ failed" in line for line in ended] == [True, False]
    assert ended[0].endswith("the command exited with status 1")
    assert "good  ✔ succeeded" in result.stdout
    assert is_clean(here)


def test_failure_is_its_own(here: World) -> None:
    result = here.run("dags", "test", "d.py", "--dag", "bad")
    assert result.exit_code == 1
    assert "✘ failed  breaks  exit code 3" in result.stdout
    assert "upstream failed  never  because of breaks" in result.stdout
    assert is_clean(here)


def test_only_some_jobs_and_as_json(here: World) -> None:
    result = here.run("dags", "test", "d.py", "--dag", "bad", "--job", "nev*", "--json")
    assert result.exit_code == 0, result.output
    run = json.loads(result.stdout)
    assert run["state"] == "succeeded"
    assert [job["job_id"] for job in run["jobs"]] == ["never"]
    assert [attempt["exit_code"] for attempt in run["attempts"]] == [0]


def test_keeps_the_sandboxes_when_asked(here: World) -> None:
    result = here.run("dags", "test", "d.py", "--dag", "good", "--job", "last", "--keep")
    assert result.exit_code == 0, result.output
    (output,) = (here.folder / "tmp").glob("moroccron-test-*/sandboxes/*/stdout")
    assert output.read_text() == "done\n"
    assert str(output.parents[1]) in result.stderr.replace("\n", "")


def test_no_place_on_this_machine(here: World) -> None:
    result = here.run("dags", "test", "d.py", "--dag", "placed")
    assert result.exit_code == 1
    assert "there finds no place on this machine: constraint rack IS r1" in result.stderr
    assert "--attributes" in result.stderr
    result = here.run("dags", "test", "d.py", "--dag", "placed", "--attributes", "rack:r1")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("nope.py",), 3, "there is no file nope.py"),
        (("d.py",), 2, "declares these DAGs: good, bad, placed, boxed"),
        (("d.py", "--dag", "goud"), 3, "did you mean good?"),
        (("d.py", "--dag", "good", "--job", "tow"), 3, "did you mean two?"),
        (("d.py", "--dag", "good", "--param", "n=x"), 2, "is no integer"),
        (("d.py", "--dag", "good", "--param", "m=1"), 2, "no param 'm' of good"),
        (("d.py", "--dag", "good", "--logical-date", "soon"), 2, "is not a moment"),
        (("d.py", "--dag", "boxed"), 2, "in_a_box wants an image"),
        (("d.py", "--dag", "good", "--resources", "cpus:many"), 1, "is not a number"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_refusals_say_what_to_do(here: World, words: tuple[str, ...], code: int, told: str) -> None:
    result = here.run("dags", "test", *words)
    assert result.exit_code == code, result.output
    assert told in result.stderr
    assert is_clean(here)


def test_jobs_without_an_image_of_a_dag_that_has_some(here: World) -> None:
    assert here.run("dags", "test", "d.py", "--dag", "boxed", "--job", "beside").exit_code == 0


def test_a_file_that_is_wrong(here: World) -> None:
    (here.folder / "d.py").write_text("from moroccron import DAG\nDAG('empty')\n")
    result = here.run("dags", "test", "d.py")
    assert result.exit_code == 1
    assert "d.py:2: DAG empty: the DAG has no job" in result.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_its_jobs(here: World, number: signal.Signals) -> None:
    (here.folder / "d.py").write_text(
        "from moroccron import DAG, Job\n"
        'with DAG("endless"):\n'
        f'    Job("sleeps", "echo $$ > {here.folder}/tmp/pid; exec sleep 1000")\n'
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "moroccron.cli.main", "dags", "test", "d.py"],
        cwd=here.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    witness = here.folder / "tmp" / "pid"
    try:
        pid = int(until(lambda: witness.exists() and witness.read_text(), "the job to run", 40))
        process.send_signal(number)
        _, told = process.communicate(timeout=40)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130, told
    assert "Ending the jobs ..." in told
    assert "killed" in told
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    witness.unlink()
    assert is_clean(here)
