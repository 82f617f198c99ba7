"""What the listing and showing commands say, over a database that is only read."""

import json
import socket
from dataclasses import asdict
from datetime import timedelta

import pytest
from click.testing import CliRunner

from moroccron.api import schemas
from moroccron.cli import logs, shapes
from moroccron.cli.main import root
from moroccron.model.changes import AttemptChanged, JobRunChanged, LoadErrorsChanged, RunChanged
from moroccron.model.constraint import Constraint, Operator
from moroccron.model.dag_version import TriggerRule
from moroccron.model.errors import LogUnavailable
from moroccron.model.load import LoadError
from moroccron.model.run import Attempt
from moroccron.model.schedule import Cron
from moroccron.model.states import AttemptState, JobRunState, KillReason, RunState
from moroccron.ports import LogChunk, Stream
from moroccron.testing import EPOCH, a_job, a_job_run, a_run, a_run_of, a_version, an_attempt
from tests.integration.cli.conftest import World

ASKED = "0.1 cpus, 32 MiB"
VERSION = a_version(
    "etl",
    [
        a_job("fetch", command="curl -s https://example.org > in"),
        a_job("load", ["fetch"]),
        a_job(
            "mail",
            ["fetch", "load"],
            trigger_rule=TriggerRule.ONE_FAILED,
            retries=2,
            constraints=(Constraint("zone", Operator.CLUSTER, "a"),),
        ),
    ],
    schedule=Cron("30 6 * * *"),
    timezone="Europe/Paris",
    tags=("night",),
    params={"day": "monday", "n": 3},
)
BEGAN = EPOCH + timedelta(days=1)


@pytest.fixture
def etl(world: World) -> World:
    """A DAG whose second run failed: `fetch` succeeded late, `load` failed twice, `mail` runs."""
    failed = a_run(VERSION, day=1, started=BEGAN, state=RunState.RUNNING, params={"n": 4})
    jobs = [
        a_job_run(
            failed.id, "fetch", state=JobRunState.SUCCEEDED, attempts=1, started=BEGAN, ended=BEGAN
        ),
        a_job_run(failed.id, "load", state=JobRunState.FAILED, attempts=2, failures=2, position=1),
        a_job_run(failed.id, "mail", state=JobRunState.RUNNING, attempts=1, position=2),
    ]
    attempts = [
        an_attempt(
            failed.id,
            "fetch",
            state=AttemptState.SUCCEEDED,
            ready=BEGAN,
            due=BEGAN,
            started=BEGAN + timedelta(seconds=2.5),
            ended=BEGAN + timedelta(seconds=3),
            exit_code=0,
        ),
        an_attempt(failed.id, "load", state=AttemptState.FAILED, exit_code=1),
        an_attempt(
            failed.id,
            "load",
            2,
            state=AttemptState.FAILED,
            exit_code=7,
            message="no space left\nsecond line",
            kill=KillReason.TIMEOUT,
            ports=(31000,),
        ),
        an_attempt(failed.id, "mail", state=AttemptState.RUNNING),
    ]
    first = a_run(VERSION, state=RunState.SUCCEEDED, ended=BEGAN + timedelta(minutes=3, seconds=20))
    world.commit(
        [
            *a_run_of(VERSION, first),
            RunChanged(failed),
            *map(JobRunChanged, jobs),
            *map(AttemptChanged, attempts),
        ]
    )
    return world


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def test_an_empty_list_says_how_to_begin(world: World) -> None:
    result = world.run("dags", "list")
    assert result.exit_code == 0
    assert "Put a file into" in result.stdout
    assert "runs trigger DAG" in world.run("runs", "list").stdout


def test_dags_list(etl: World) -> None:
    head, row = lines(etl.run("dags", "list").stdout)
    assert head == "DAG last runs last next schedule jobs"
    assert row.startswith("etl ✔ ▶")
    assert row.endswith("30 6 * * * 3")


def test_dags_list_by_tag(etl: World) -> None:
    assert [dag["id"] for dag in etl.json("dags", "list", "--tag", "night")["dags"]] == ["etl"]
    assert etl.json("dags", "list", "--tag", "day")["dags"] == []


def test_dags_list_tells_load_errors(etl: World) -> None:
    error = LoadError(
        "bad.py",
        "unknown zone 'Mars'.",
        "Use an IANA name.",
        line=4,
        dag_id="bad",
        job_id="far",
        field="timezone",
    )
    etl.commit([LoadErrorsChanged("bad.py", (error,), EPOCH)])
    assert etl.run("dags", "list").stderr.splitlines() == [
        "bad.py:4: DAG bad job far: timezone: unknown zone 'Mars'.",
        "    Use an IANA name.",
    ]
    [found] = etl.json("dags", "list")["load_errors"]
    assert (found["file"], found["line"], found["field"]) == ("bad.py", 4, "timezone")


def test_dags_show_draws_the_graph_in_order(etl: World) -> None:
    shown = lines(etl.run("dags", "show", "etl").stdout)
    assert "schedule 30 6 * * * (Europe/Paris)" in shown
    assert "params day=monday, n=3" in shown
    at = shown.index("job waits for asks for retries constraints command")
    assert shown[at + 1 : at + 4] == [
        f"fetch - {ASKED} 0 curl -s https://example.org > in",
        f"load fetch {ASKED} 0 true",
        f"mail fetch, load (one_failed) {ASKED} 2 zone CLUSTER a true",
    ]
    assert sum("CE" in line for line in shown) == 3  # the next fires, in the DAG's zone


def test_dags_show_json_has_graph_and_fires(etl: World) -> None:
    shown = etl.json("dags", "show", "etl")
    assert [job["upstream"] for job in shown["graph"]] == [[], ["fetch"], ["fetch", "load"]]
    assert len(shown["next_fires"]) == 3
    assert shown["graph"][2]["constraints"] == [["zone", "CLUSTER", "a"]]
    assert shown["graph"][2]["resources"] == asdict(VERSION.jobs[2].resources)
    assert all(fire.endswith("Z") for fire in shown["next_fires"])


def test_dags_fires_marks_the_days_on_which_clocks_change(etl: World) -> None:
    shown = etl.run("dags", "fires", "etl", "-n", "3", "--after", "2026-03-28").stdout.splitlines()
    assert [line.split()[:2] for line in shown[1:]] == [
        ["2026-03-28", "06:30:00"],
        ["2026-03-29", "06:30:00"],
        ["2026-03-30", "06:30:00"],
    ]
    assert [line.rstrip().endswith("02:00 becomes 03:00") for line in shown[1:]] == [
        False,
        True,
        False,
    ]


def test_dags_fires_as_json(etl: World) -> None:
    words = ("dags", "fires", "etl", "-n", "1", "--after", "2026-10-24T12:00+02:00", "--json")
    assert json.loads(etl.run(*words).stdout) == {
        "dag_id": "etl",
        "fires": [
            {
                "due": "2026-10-25T05:30:00Z",
                "local": "2026-10-25T06:30:00+01:00",
                "interval_start": "2026-10-24T04:30:00Z",
                "clock_change": "03:00 becomes 02:00",
                "second_time": False,
            }
        ],
    }


def test_runs_list_newest_first(etl: World) -> None:
    rows = lines(etl.run("runs", "list").stdout)
    assert rows[1].startswith("etl@20260103T000000Z ▶ running scheduled")
    assert rows[2].startswith("etl@20260102T000000Z ✔ succeeded scheduled")
    assert rows[2].endswith("3 min 20 s")


def test_runs_list_filters_and_pages(etl: World) -> None:
    def ids(*words: str) -> list[str]:
        return [run["id"] for run in etl.json("runs", "list", *words)["runs"]]

    assert ids("--state", "succeeded") == ["etl@20260102T000000Z"]
    assert ids("--limit", "1") == ["etl@20260103T000000Z"]
    assert ids("--before", "etl@20260103T000000Z") == ["etl@20260102T000000Z"]
    assert ids("--dag", "etl", "--state", "killed") == []


def test_runs_show_has_jobs_attempts_and_skew(etl: World) -> None:
    shown = lines(etl.run("runs", "show", "etl@latest").stdout)
    assert shown[0].startswith("etl@20260103T000000Z ▶ running")
    assert "params n=4" in shown
    assert any(line.startswith("fetch ✔ succeeded 1") and "2.5 s" in line for line in shown)
    assert "load ✘ failed 2 exit code 7; no space left" in shown
    assert "mail ▶ running 1" in shown


def test_logs_of_an_attempt_that_never_began(etl: World) -> None:
    result = etl.run("logs", "etl@latest", "load")
    assert result.exit_code == 3
    assert "attempt 2 of load never began to run: no space left" in result.stderr
    assert "not there any more" not in result.stderr


class SilentAtFirst:
    """Logs whose agent does not answer for a while."""

    def __init__(self, silent: int) -> None:
        self.silent = silent

    def read(self, attempt: Attempt, stream: Stream, offset: int, length: int) -> LogChunk:
        self.silent -= 1
        if self.silent >= 0:
            raise LogUnavailable("the agent at http://a:5051 does not answer")
        return LogChunk(b"written"[offset:], offset, 7)


def test_logs_of_an_agent_that_is_silent_may_come_later(
    etl: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "open_logs", lambda _: SilentAtFirst(1))
    result = etl.run("logs", "etl@latest", "mail")
    assert result.exit_code == 1
    assert "http://a:5051 does not answer" in result.stderr
    assert "later" in result.stderr


def test_who_follows_logs_waits_for_a_silent_agent_as_long_as_the_attempt_lives(
    etl: World,
) -> None:
    run = etl.queries.run("etl@20260103T000000Z")
    reading = logs.Reading(etl.queries, SilentAtFirst(2), run, "mail", None, Stream.STDOUT)
    assert next(reading.pieces(follow=True)) == b"written"


def test_runs_show_json(etl: World) -> None:
    shown = etl.json("runs", "show", "etl@latest")
    assert shown["params"] == {"n": 4}
    assert [job["state"] for job in shown["jobs"]] == ["succeeded", "failed", "running"]
    assert [(a["job_id"], a["number"]) for a in shown["attempts"]] == [
        ("fetch", 1),
        ("load", 1),
        ("load", 2),
        ("mail", 1),
    ]


def test_jobs_list_by_state(etl: World) -> None:
    shown = etl.json("jobs", "list", "etl@latest", "--state", "failed")
    assert [job["job_id"] for job in shown["jobs"]] == ["load"]
    assert {attempt["job_id"] for attempt in shown["attempts"]} == {"load"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("dags", "show", "elt"), "there is no DAG elt; did you mean etl?"),
        (("dags", "pause", "elt"), "there is no DAG elt; did you mean etl?"),
        (("runs", "list", "--dag", "zz"), "there is no DAG zz"),
        (("runs", "show", "zz"), "there is no run zz"),
        (("runs", "show", "zz@latest"), "there is no DAG zz"),
        (("runs", "kill", "zz"), "there is no run zz"),
        (("runs", "trigger", "zz"), "there is no DAG zz"),
        (("runs", "list", "--before", "etl@20260102T000001Z"), "did you mean etl@20260102T000000Z"),
        (("jobs", "list", "zz"), "there is no run zz"),
        (("jobs", "retry", "etl@latest", "lod"), "has no job lod; did you mean load?"),
        (("logs", "etl@latest", "lod"), "has no job lod; did you mean load?"),
        (
            ("logs", "etl@latest", "load", "--attempt", "3"),
            "load of etl@20260103T000000Z has no attempt 3",
        ),
    ],
)
def test_what_is_not_there(etl: World, words: tuple[str, ...], message: str) -> None:
    result = etl.run(*words)
    assert result.exit_code == 3
    assert message in result.stderr
    assert result.stdout == ""
    assert "Do: " in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("dags",),
        ("dags", "lst"),
        ("dags", "show"),
        ("runs", "list", "--state", "asleep"),
        ("runs", "list", "--limit", "0"),
        ("runs", "trigger", "etl", "--timeout", "0"),
        ("runs", "trigger", "etl", "--param", "n"),
        ("runs", "trigger", "etl", "--param", "m=1"),
        ("runs", "trigger", "etl", "--param", "n=x"),
        ("runs", "trigger", "etl", "--logical-date", "yesterday"),
        ("logs", "etl@latest"),
        ("logs", "etl@latest", "load", "--attempt", "0"),
        ("logs", "etl@latest", "load", "--json", "--follow"),
        ("completion", "csh"),
        ("dags", "list", "--config", "none.toml"),
        ("config", "--port", "x"),
        ("dags", "list", "--database", "mysql://db/x"),
        ("db", "upgrade", "--database", "what"),
    ],
)
def test_wrong_words(etl: World, words: tuple[str, ...]) -> None:
    result = etl.run(*words)
    assert result.exit_code == 2
    assert "Usage:" in result.stderr or "Error:" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("dags", "list"),
        ("dags", "show", "etl"),
        ("runs", "list"),
        ("runs", "trigger", "etl"),
        ("jobs", "list", "x"),
        ("logs", "x", "y"),
        ("db", "check"),
        ("db", "current"),
    ],
)
def test_without_a_database(bare: World, words: tuple[str, ...]) -> None:
    result = bare.run(*words)
    assert result.exit_code == 6
    assert "moroccron db" in result.output
    assert not (bare.folder / ".moroccron").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("dags", "list"),
        ("dags", "show", "x"),
        ("dags", "pause", "x"),
        ("runs", "list"),
        ("runs", "show", "x"),
        ("runs", "trigger", "x"),
        ("jobs", "list", "x"),
        ("logs", "x", "y"),
        ("scheduler",),
        ("web", "--port", "0"),
        ("db", "check"),
    ],
)
def test_a_database_without_tables(bare: World, words: tuple[str, ...]) -> None:
    (bare.folder / ".moroccron").mkdir()
    (bare.folder / ".moroccron" / "moroccron.db").touch()
    result = bare.run(*words)
    assert result.exit_code == 6
    assert "the database has no tables" in result.output
    assert "run `moroccron db upgrade`" in result.output
    assert "sqlite3" not in result.output


def test_a_server_that_does_not_answer(bare: World) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        url = f"postgresql://x@127.0.0.1:{taken.getsockname()[1]}/x"
        result = bare.run("db", "check", "--database", url)
    assert result.exit_code == 6
    assert "db check" not in result.stderr
    assert "see that its server runs" in result.stderr


def test_db_upgrade_check_current(bare: World) -> None:
    assert bare.json("db", "upgrade")["before"] is None
    assert bare.run("db", "check").exit_code == 0
    assert bare.json("db", "check") == {"problems": []}
    found = bare.json("db", "current")
    assert found["current"] == found["wanted"]
    assert found["current"] in bare.run("db", "current").stdout
    assert "up to date" in bare.run("db", "upgrade").stdout


def test_config_says_where_each_setting_came_from(bare: World) -> None:
    (bare.folder / "moroccron.toml").write_text(
        'port = 1\ndatabase = "postgresql://me:hush@db/x"\n'
    )
    found = bare.json("config", "--host", "0.0.0.0")
    assert found["file"] == str(bare.folder / "moroccron.toml")
    assert found["settings"]["host"] == {"value": "0.0.0.0", "origin": "--host"}
    assert found["settings"]["port"] == {"value": 1, "origin": found["file"]}
    assert found["settings"]["database"]["value"] == "postgresql://me:***@db/x"
    assert "hush" not in bare.run("config").output


def test_a_wrong_file_stops_every_command(bare: World) -> None:
    (bare.folder / "moroccron.toml").write_text("prot = 1\n")
    result = bare.run("dags", "list")
    assert result.exit_code == 2
    assert f"{bare.folder / 'moroccron.toml'}: unknown setting 'prot'" in result.stderr
    assert "Do:    remove it" in result.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(bare: World, shell: str) -> None:
    result = bare.run("completion", shell)
    assert result.exit_code == 0
    assert "_MOROCCRON_COMPLETE" in result.stdout


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("moroccron dags sh", "show"),
        ("moroccron dags show e", "etl"),
        ("moroccron runs show etl@20260103", "etl@20260103T000000Z"),
        ("moroccron logs etl@latest lo", "load"),
    ],
)
def test_completion_knows_commands_and_ids(etl: World, words: str, completed: str) -> None:
    result = CliRunner().invoke(
        root,
        [],
        prog_name="moroccron",
        env={
            "_MOROCCRON_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split()) - 1),
        },
    )
    assert result.stdout.split() == [f"plain,{completed}"]


def test_json_has_the_shapes_of_the_api(etl: World) -> None:
    """The same words in both: what --json writes is what the API answers."""
    queries = etl.queries
    run = queries.run("etl@20260103T000000Z")
    error = LoadError("bad.py", "wrong.", "Mend it.", line=4)
    etl.commit([LoadErrorsChanged("bad.py", (error,), EPOCH)])
    pairs = [
        (shapes.dag(queries.dag("etl")), schemas.DagOut.of(queries.dag("etl"))),
        (shapes.run(run), schemas.RunOut.of(run)),
        *((shapes.job_run(job), schemas.JobRunOut.of(job)) for job in queries.job_runs(run.id)),
        *((shapes.attempt(each), schemas.AttemptOut.of(each)) for each in queries.attempts(run.id)),
        *(
            (shapes.load_error_row(row), schemas.LoadErrorOut.of(row))
            for row in queries.load_errors()
        ),
    ]
    for ours, theirs in pairs:
        assert ours == json.loads(theirs.model_dump_json())
