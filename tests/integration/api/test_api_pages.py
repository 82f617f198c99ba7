"""The pages: each answers its question, tells what to do, and never takes an author's text for markup."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from moroccron.api.app import create_app
from moroccron.bootstrap.previews import StoredPreviews
from moroccron.model.changes import (
    AttemptChanged,
    DagChanged,
    JobRunChanged,
    LoadErrorsChanged,
    RunChanged,
    VersionAdded,
)
from moroccron.model.command import KillRun, Outcome, PauseDag, RetryJob, TriggerRun
from moroccron.model.constraint import Constraint, Operator
from moroccron.model.files import Containerizer, Uri, Volume
from moroccron.model.load import LoadError
from moroccron.model.resources import Resources
from moroccron.model.run import DataInterval
from moroccron.model.schedule import Cron
from moroccron.model.states import AttemptState, JobRunState, RunState
from moroccron.testing import (
    MemoryStore,
    a_dag,
    a_job,
    a_job_run,
    a_run,
    a_run_of,
    a_version,
    an_attempt,
)
from moroccron.testing.world import TextLogs, big_run
from tests.integration.api.conftest import World

EVIL = "<script>alert('x')</script><img src=x onerror=alert(1)>\"'"


def page(client: FlaskClient, path: str, status: int = 200) -> str:
    response = client.get(path)
    assert response.status_code == status, response.text
    assert response.mimetype == "text/html"
    return response.text


def text(html: str) -> str:
    """What a reader sees, roughly."""
    body = re.sub(r"<(script|svg|template)\b.*?</\1>", "", html, flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def test_the_front_page_puts_trouble_first(client: FlaskClient) -> None:
    html = page(client, "/")
    order = re.findall(r'<tr id="dag-([^"]+)"', html)
    assert order == ["nightly-report", "backup", "on-demand", "stock-sync"]
    seen = text(html)
    assert "1 load error." in seen
    assert "Europe/Berlin" in seen
    assert "in 22 h" in seen
    assert "paused" in seen
    assert "No scheduler has led yet" not in seen


@pytest.mark.parametrize("path", ["/", "/dags/nightly-report", "/no-such-page"])
def test_a_page_can_be_asked_for_its_head_alone(client: FlaskClient, path: str) -> None:
    assert client.head(path).status_code == client.get(path).status_code
    assert client.head(path).data == b""


def test_the_front_page_is_filtered(client: FlaskClient) -> None:
    assert re.findall(r'<tr id="dag-([^"]+)"', page(client, "/?q=REPORTS")) == ["nightly-report"]
    assert "No DAG matches" in text(page(client, "/?q=nothing-like-it"))


def test_an_empty_moroccron_says_how_to_begin() -> None:
    store = MemoryStore()
    client = create_app(
        store, store, TextLogs(lambda *_: b""), StoredPreviews(store), version="1"
    ).test_client()
    seen = text(page(client, "/"))
    assert "Here will be your DAGs" in seen
    assert "No scheduler has led yet" in seen
    assert "moroccron standalone" in seen
    assert "Every DAG file is good" in text(page(client, "/load-errors"))


def test_missing_assets_are_told_with_the_remedy(make_app: Callable[..., Flask]) -> None:
    app = make_app()
    app.static_folder = "/nonexistent"
    seen = text(page(app.test_client(), "/"))
    assert "make web" in seen
    assert "nightly-report" in seen


def test_a_dag_shows_its_newest_run_and_its_schedule(client: FlaskClient, world: World) -> None:
    html = page(client, "/dags/nightly-report")
    seen = text(html)
    assert f'data-states="/api/v1/runs/{world.run()}/states"' in html
    assert "30 2 * * *" in seen
    assert "Yesterday's orders" in seen.replace("&#39;", "'")
    assert 'name="param.day" value="yesterday"' in html


def test_a_dag_shows_a_chosen_run(client: FlaskClient, world: World) -> None:
    chosen = world.run(place=1)
    html = page(client, f"/dags/nightly-report?run={chosen}")
    assert f'data-states="/api/v1/runs/{chosen}/states"' in html
    page(client, f"/dags/stock-sync?run={chosen}", 404)


def test_a_dag_without_runs_says_so(client: FlaskClient) -> None:
    html = page(client, "/dags/on-demand")
    assert "No run yet" in text(html)
    assert "data-states" not in html


def test_older_runs_are_a_page_further(client: FlaskClient, world: World) -> None:
    version = a_version("busy", schedule=Cron("@daily"))
    world.commit(VersionAdded(version, "busy.py", world.now), DagChanged(a_dag(version)))
    world.commit(*(RunChanged(a_run(version, day)) for day in range(60)))
    seen: list[str] = []
    path = "/dags/busy"
    while path:
        html = page(client, path)
        seen += re.findall(r'<tr id="run-([^"]+)"', html)
        older = re.search(r'href="([^"]+)">Older runs', html)
        path = older.group(1).replace("&amp;", "&") if older else ""
    assert seen == [run.id for run in world.store.runs(dag_id="busy", limit=100)]


def test_a_run_lists_its_jobs_by_urgency(client: FlaskClient, world: World) -> None:
    html = page(client, f"/runs/{world.run(place=1)}")
    jobs = re.findall(r'<tr id="job-([^"]+)"', html)
    assert jobs[:2] == ["report", "mail"]
    assert len(jobs) == 11
    seen = text(html)
    assert "exit code 1: KeyError" in seen.replace("&#39;", "'")
    assert "because of report" in seen
    assert "Kill the run" not in seen


def test_a_runs_jobs_are_filtered_and_ordered(client: FlaskClient, world: World) -> None:
    run_id = world.run()

    def jobs(query: str) -> list[str]:
        return re.findall(r'<tr id="job-([^"]+)"', page(client, f"/runs/{run_id}?{query}"))

    assert jobs("state=running") == ["fetch-stock"]
    assert jobs("q=FETCH&order=name") == [
        "fetch-orders",
        "fetch-prices",
        "fetch-stock",
        "fetch-web-log",
    ]
    assert jobs("order=graph")[0] == "prepare"
    assert jobs("order=nonsense&start=-5&state=nonsense")[0] == "fetch-prices"
    assert "No job of this run matches" in text(page(client, f"/runs/{run_id}?q=zzz"))


def test_a_big_runs_jobs_come_in_pages(client: FlaskClient, world: World) -> None:
    world.commit(*big_run(world.now, 250))
    path = f"/runs/{world.run('big-layers')}?order=name"
    seen: list[str] = []
    while path:
        html = page(client, path)
        seen += re.findall(r'<tr id="job-([^"]+)"', html)
        further = re.search(r'href="([^"]+)">Next<', html)
        path = further.group(1).replace("&amp;", "&") if further else ""
    assert len(seen) == len(set(seen)) == 250


def test_a_job_shows_attempts_log_and_definition(client: FlaskClient, world: World) -> None:
    html = page(client, f"/runs/{world.run(place=1)}/jobs/report")
    seen = text(html)
    assert re.findall(r'<tr id="attempt-(\d+)"', html) == ["1", "2"]
    assert "first line" in seen
    assert "\x1b" not in html
    assert "python -m jobs.report --day $DAY" in seen
    assert "0.5 cpus, 256 MiB memory" in seen
    assert "Decides again over 1 job downstream that was not run: mail." in seen
    assert "It wrote nothing to stderr" in text(
        page(client, f"/runs/{world.run(place=1)}/jobs/report?stream=stderr&attempt=1")
    )


def test_a_job_shows_all_of_its_definition(client: FlaskClient, world: World) -> None:
    job = a_job(
        "all",
        resources=Resources(cpus=1500, mem=64, ports=2),
        env=(("REGION", "north"),),
        uris=(Uri("https://example.org/in.tgz", cache=True),),
        image="debian:12",
        pull=True,
        containerizer=Containerizer.DOCKER,
        volumes=(Volume("/data", "/in", "ro"),),
        kill_grace=7.0,
        replace_after=90.0,
        role="batch",
        user="ann",
        owners=("bea",),
        pool="loads",
        slots=3,
        constraints=(Constraint("zone", Operator.CLUSTER, "a"),),
    )
    version = a_version("full", [job], tags=("night",))
    run = a_run(version, params={"flag": True})
    world.commit(*a_run_of(version, run))
    seen = text(page(client, f"/runs/{run.id}/jobs/all"))
    for words in (
        "1.5 cpus, 64 MiB memory, 2 ports",
        "REGION=north",
        "https://example.org/in.tgz (cached)",
        "Image debian:12 (pulled anew each time)",
        "Containerizer docker",
        "/data:/in:ro",
        "Kill grace 7.0 s",
        "Replaced when its agent is cut off for 1 min 30 s",
        "Role batch",
        "User ann",
        "Owners bea",
        "loads, 3 slots",
        "zone CLUSTER a",
    ):
        assert words in seen
    assert "Tags night" in text(page(client, "/dags/full"))
    assert "flag=true" in text(page(client, f"/runs/{run.id}"))


def test_a_run_of_one_moment_tells_its_logical_date_once(client: FlaskClient, world: World) -> None:
    version = a_version("asked")
    run = a_run(version, interval=DataInterval(world.now, world.now))
    world.commit(*a_run_of(version, run))
    seen = text(page(client, f"/runs/{run.id}"))
    assert "Logical date" in seen
    assert "Data interval" not in seen


def test_latest_leads_to_the_newest_run(client: FlaskClient, world: World) -> None:
    answer = client.get("/runs/nightly-report@latest")
    assert answer.status_code == 302
    assert answer.location == f"/runs/{world.run()}"
    assert "on-demand has no run yet" in text(page(client, "/runs/on-demand@latest", 404))


def test_a_job_without_attempts_says_why(client: FlaskClient, world: World) -> None:
    assert "It begins when its upstream jobs allow it" in text(
        page(client, f"/runs/{world.run()}/jobs/mail")
    )
    assert "Not run because of report" in text(
        page(client, f"/runs/{world.run(place=1)}/jobs/mail")
    )


@pytest.mark.parametrize(
    "path",
    [
        "/dags/none",
        "/runs/none",
        "/runs/none/jobs/a",
        "/runs/{run}/jobs/none",
        "/runs/{run}/jobs/prepare?attempt=9",
        "/runs/{run}/jobs/prepare?stream=passwords",
        "/nowhere",
    ],
)
def test_what_is_not_there_is_told_on_a_page(client: FlaskClient, world: World, path: str) -> None:
    assert "What to do:" in text(page(client, path.format(run=world.run()), 404))


def test_load_errors_say_where_and_what_to_do(client: FlaskClient) -> None:
    seen = text(page(client, "/load-errors"))
    assert "billing.py:14" in seen
    assert "What to do: Remove one of these edges" in seen


def test_a_dag_whose_file_is_broken_says_so_itself(client: FlaskClient, world: World) -> None:
    assert "cannot be read" not in text(page(client, "/dags/backup"))
    assert "file broken" not in text(page(client, "/"))
    dag = world.store.dag("backup")
    error = LoadError(dag.state.file, "no such name", "Mend it.", line=2)
    world.commit(LoadErrorsChanged(dag.state.file, (error,), world.now - timedelta(minutes=7)))
    shown = text(page(client, "/dags/backup"))
    assert f"The file {dag.state.file} cannot be read since 7 min ago" in shown
    assert f"version {dag.version.id[:8]} stays in force" in shown
    rows = dict(re.findall(r'<tr id="dag-([^"]+)"(.*?)</tr>', page(client, "/"), flags=re.S))
    with_flag = {id for id, row in rows.items() if "file broken" in row}
    files = {id: world.store.dag(id).state.file for id in rows}
    assert with_flag == {id for id, file in files.items() if file == dag.state.file}


def test_the_banner_promises_nothing_to_files_that_never_were_good(client: FlaskClient) -> None:
    assert "Files that were good before go on with their last good version." in text(
        page(client, "/")
    )


def test_about_tells_the_leader(client: FlaskClient) -> None:
    assert "host-a:1" in text(page(client, "/about"))


# ------------------------------------------------------------------------------- asking


def test_trigger_takes_what_differs_from_the_defaults(client: FlaskClient, world: World) -> None:
    form = {"param.day": "2026-01-31", "param.limit": "1000", "logical_date": "2026-02-01T04:00"}
    response = client.post("/dags/nightly-report/trigger", data=form)
    assert response.status_code == 303
    (command,) = world.store.unanswered_commands(0, 9)
    intent = command.intent
    assert isinstance(intent, TriggerRun)
    assert intent.params == {"day": "2026-01-31"}
    assert intent.logical_date is not None
    assert intent.logical_date.isoformat() == "2026-02-01T04:00:00+00:00"


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"param.limit": "many"}, "params.limit"),
        ({"param.other": "1"}, "params.other"),
        ({"param.limit": "NaN"}, "params.limit"),
        ({"param.limit": "[" * 5_000 + "]" * 5_000}, "params.limit"),
        ({"logical_date": "tomorrow"}, "logical_date"),
        ({"logical_date": "0026-01-31T04:00"}, "logical_date"),
    ],
)
def test_a_wrong_form_is_told_with_field_and_remedy(
    client: FlaskClient, world: World, form: dict[str, str], field: str
) -> None:
    response = client.post("/dags/nightly-report/trigger", data=form)
    assert response.status_code == 422
    assert field in text(response.text)
    assert "What to do:" in text(response.text)
    assert not world.store.unanswered_commands(0, 9)


def test_pause_kill_and_retry_become_commands(client: FlaskClient, world: World) -> None:
    running, failed = world.run(), world.run(place=1)
    client.post("/dags/stock-sync/pause")
    client.post(f"/runs/{running}/kill")
    client.post(f"/runs/{failed}/jobs/report/retry")
    assert [command.intent for command in world.store.unanswered_commands(0, 9)] == [
        PauseDag("stock-sync"),
        KillRun(running),
        RetryJob(failed, "report"),
    ]
    for path in ("/dags/none/unpause", "/runs/none/kill", f"/runs/{failed}/jobs/none/retry"):
        assert client.post(path).status_code == 404


def test_an_action_says_what_it_will_touch(client: FlaskClient, world: World) -> None:
    seen = text(page(client, f"/runs/{world.run()}"))
    assert "Ends 1 job that may be running now, and starts none of the 7 not begun." in seen


def test_the_answer_is_told_where_it_was_asked(client: FlaskClient, world: World) -> None:
    path = client.post("/dags/stock-sync/trigger").headers["Location"]
    assert "waiting for the leader" in text(page(client, path))
    world.answer(1, Outcome.DONE, "stock-sync@manual-1")
    html = page(client, path)
    assert 'run <a href="/runs/stock-sync@manual-1">' in html
    path = client.post("/dags/stock-sync/pause").headers["Location"]
    world.answer(2, Outcome.REFUSED, EVIL)
    assert "Refused:" in text(page(client, path))
    assert EVIL not in page(client, path)


@pytest.mark.parametrize("asked", ["x", "-1", "0", "9" * 40, "0" * 19 + "1" * 30, "²", "1;drop"])
def test_a_made_up_command_is_no_error(client: FlaskClient, asked: str) -> None:
    assert client.get("/", query_string={"asked": asked}).status_code == 200


# ------------------------------------------------------------------------------- authors' texts


@pytest.fixture
def evil(world: World) -> str:
    """A run all of whose texts try to be markup; its id."""
    job = a_job("a", command=EVIL, doc=EVIL, owners=(EVIL,), image=EVIL)
    version = a_version("evil", [job], doc=EVIL, tags=(EVIL,), params={EVIL: EVIL}, owners=(EVIL,))
    run = a_run(version, state=RunState.FAILED, params={EVIL: EVIL}, requested_by=EVIL)
    attempt = an_attempt(
        run.id,
        "a",
        state=AttemptState.FAILED,
        hostname=EVIL,
        sandbox=EVIL,
        reason=EVIL,
        message=f"{EVIL}\n{EVIL}",
        started=run.created,
        ended=run.created,
        exit_code=1,
    )
    error = LoadError(file=EVIL, message=EVIL, remedy=EVIL, dag_id=EVIL, job_id=EVIL, field=EVIL)
    world.commit(
        VersionAdded(version, EVIL, world.now),
        DagChanged(replace(a_dag(version), file=EVIL)),
        RunChanged(run),
        JobRunChanged(
            a_job_run(
                run.id, "a", state=JobRunState.FAILED, attempts=1, cause=EVIL, ended=world.now
            )
        ),
        AttemptChanged(attempt),
        LoadErrorsChanged(EVIL, (error,), world.now),
    )
    return run.id


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/dags/evil",
        "/runs/{run}",
        "/runs/{run}/jobs/a",
        "/load-errors",
        "/about",
        "/runs/<script>alert('x')</script>",
        "/dags/evil?run=<script>alert('x')</script>",
        "/?q=<script>alert('x')</script>",
        "/runs/{run}?q=<script>alert('x')</script>",
    ],
)
def test_no_text_becomes_markup(client: FlaskClient, evil: str, path: str) -> None:
    response = client.get(path.format(run=evil))
    assert "<script>alert" not in response.text
    assert "<img src=x" not in response.text
    assert 'alert(1)"' not in response.text


def test_a_log_is_text(client: FlaskClient, world: World) -> None:
    html = page(client, f"/runs/{world.run(place=1)}/jobs/report")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "<script>alert(1)" not in html


@pytest.mark.parametrize("path", ["/", "/dags/none", "/api/v1/dags", "/healthz"])
def test_every_response_binds_the_browser(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"


def test_pages_hold_nothing_that_the_policy_forbids(client: FlaskClient, world: World) -> None:
    run_id = world.run(place=1)
    for path in ("/", "/dags/nightly-report", f"/runs/{run_id}", f"/runs/{run_id}/jobs/report"):
        html = page(client, path)
        assert not re.search(r"<script(?![^>]*\bsrc=\"/static/)", html)
        assert not re.search(r"<[^>]+\s(style|on\w+)=", html)
        assert not re.search(r"(?:src|href)=\"(?:https?:)?//", html)
