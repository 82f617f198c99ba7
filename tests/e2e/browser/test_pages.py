"""What people see and do in a browser: list, graph, run, log, actions; and that it changes while they look."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from moroccron.model.changes import AttemptChanged, Change, Happened, JobRunChanged
from moroccron.model.command import KillRun, Outcome, RetryJob, TriggerRun
from moroccron.model.states import AttemptState, JobRunState, RunState
from moroccron.testing.world import a_nightly_dag, a_run_at, big_run, moved, placed
from tests.e2e.browser.conftest import Site

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]
expect.set_options(timeout=15_000)


def node(page: Page, job_id: str) -> Locator:
    """A job in the graph."""
    return page.locator(f"#graph g.node:has(text.label:text-is('{job_id}'))")


def enter(site: Site, job_id: str, state: JobRunState) -> list[Change]:
    """The changes by which a job of the running run comes into a state."""
    run = site.queries.run(site.run())
    (job,) = [job for job in site.queries.job_runs(run.id) if job.job_id == job_id]
    ended = site.now if state.is_terminal else None
    return [
        JobRunChanged(replace(job, state=state, ended=ended)),
        moved(run, job_id, state, site.now),
    ]


def test_from_the_list_to_a_failed_job(reader: Page, still: Site) -> None:
    reader.goto("/")
    rows = reader.locator("#dags tr")
    expect(rows).to_have_count(4)
    expect(rows.first).to_contain_text("nightly-report")
    expect(rows.first).to_contain_text("failed")
    rows.first.get_by_role("link", name="nightly-report").click()
    expect(reader.locator("#graph g.node")).to_have_count(11)
    reader.get_by_role("link", name=still.run(place=1)).click()
    expect(reader.locator("#jobs tr").first).to_contain_text("report")
    reader.locator("#jobs tr").first.get_by_role("link", name="report").click()
    expect(reader.locator("#attempts tr")).to_have_count(2)
    expect(reader.get_by_role("heading", level=1)).to_contain_text("report")


def test_a_job_turns_green_while_one_looks(page: Page, site: Site) -> None:
    page.goto(f"/runs/{site.run()}")
    expect(node(page, "fetch-stock")).to_have_attribute("data-state", "running")
    expect(page.locator("#live")).to_have_text("live")
    site.commit(*enter(site, "fetch-stock", JobRunState.SUCCEEDED))
    expect(node(page, "fetch-stock")).to_have_attribute("data-state", "succeeded")
    expect(page.locator("#job-fetch-stock")).to_contain_text("succeeded")
    expect(page.locator("#counts")).not_to_contain_text("running")


def test_the_table_holds_its_order_until_asked(page: Page, site: Site) -> None:
    page.goto(f"/runs/{site.run()}")
    first = page.locator("#jobs tr").first
    expect(first).to_contain_text("fetch-prices")
    site.commit(*enter(site, "mail", JobRunState.FAILED))
    expect(page.locator("#jobs-note")).to_contain_text("The order has changed")
    expect(first).to_contain_text("fetch-prices")
    page.get_by_role("button", name="Sort again").click()
    expect(first).to_contain_text("mail")


def test_a_new_run_announces_itself(page: Page, site: Site) -> None:
    page.goto("/dags/nightly-report")
    rows = page.locator("#runs tr")
    expect(page.locator("#live")).to_have_text("live")
    before = rows.count()
    run = a_run_at(a_nightly_dag(), site.now + timedelta(days=1), RunState.RUNNING, 0)
    site.commit(*placed(a_nightly_dag(), run, {}, JobRunState.WAITING))
    page.locator("#runs-note").get_by_role("button", name="Show").click()
    expect(rows).to_have_count(before + 1)
    expect(rows.first).to_contain_text(run.id)


def test_the_graph_lifts_what_belongs_together(reader: Page, still: Site) -> None:
    reader.goto(f"/runs/{still.run()}")
    node(reader, "join").hover()
    expect(node(reader, "fetch-orders")).to_have_class(re.compile(r"\blit\b"))
    expect(node(reader, "tidy-up")).to_have_class(re.compile(r"\blit\b"))
    expect(node(reader, "sessions")).not_to_have_class(re.compile(r"\blit\b"))
    dashed = reader.locator("#graph path.ruled title")
    assert "alarm runs on one_failed" in dashed.all_text_contents()


def test_a_click_opens_the_side_panel_and_the_address_keeps_it(reader: Page, still: Site) -> None:
    reader.goto(f"/runs/{still.run(place=1)}")
    view = reader.locator("#graph[data-ready] g.view")
    before = view.get_attribute("transform")
    node(reader, "report").click()
    panel = reader.locator(".panel")
    expect(panel).to_be_visible()
    expect(panel).to_contain_text("KeyError: 'price'")
    assert view.get_attribute("transform") == before  # what was clicked stays under the pointer
    expect(panel).to_contain_text("KeyError: 'price'")
    expect(panel).to_contain_text("python -m jobs.report --day $DAY")
    expect(reader).to_have_url(re.compile(r"job=report"))
    reader.reload()
    expect(panel).to_contain_text("KeyError: 'price'")
    reader.locator("#graph svg.canvas").focus()
    reader.keyboard.press("ArrowRight")
    expect(panel.locator("h3")).to_have_text("mail")
    reader.keyboard.press("Escape")
    expect(panel).to_be_hidden()


def test_trigger_asks_the_leader_and_tells_its_answer(page: Page, site: Site) -> None:
    page.goto("/dags/nightly-report")
    page.locator("summary", has_text="Trigger").click()
    page.get_by_label("day").fill("2026-01-31")
    page.get_by_role("button", name="Trigger a run").click()
    expect(page.locator("#asked")).to_contain_text("waiting for the leader")
    command = site.command()
    assert command.intent == TriggerRun("nightly-report", {"day": "2026-01-31"})
    site.answer(command, Outcome.DONE, site.run(place=1))
    page.locator("#asked").get_by_role("link", name=site.run(place=1)).click()
    expect(page).to_have_url(f"{site.url}/runs/{site.run(place=1)}")


def test_kill_and_retry_say_what_they_touch_first(page: Page, site: Site) -> None:
    page.goto(f"/runs/{site.run()}")
    page.locator("summary", has_text="Kill").click()
    expect(page.locator("#run-actions")).to_contain_text("Ends 1 job that may be running now")
    page.get_by_role("button", name="Kill the run").click()
    command = site.command()
    assert command.intent == KillRun(site.run())
    site.answer(command, Outcome.REFUSED, "it is over already")
    expect(page.locator("#asked")).to_contain_text("it is over already")

    page.goto(f"/runs/{site.run(place=1)}/jobs/report")
    page.locator("summary", has_text="Retry").click()
    expect(page.locator("#job-actions")).to_contain_text("was not run: mail")
    page.get_by_role("button", name="Retry the job").click()
    assert site.command().intent == RetryJob(site.run(place=1), "report")


def test_a_log_grows_while_one_reads(page: Page, site: Site) -> None:
    run = site.queries.run(site.run())
    sandbox = site.sandbox("fetch-stock-1")
    log = sandbox / "stdout"
    log.write_text("one <b>bold</b>\n")
    (attempt,) = site.queries.attempts(run.id, "fetch-stock")
    attempt = replace(attempt, agent_id="local-1", sandbox=str(sandbox))
    site.commit(AttemptChanged(attempt))
    page.goto(f"/runs/{run.id}/jobs/fetch-stock")
    expect(page.locator("#log")).to_have_text("one <b>bold</b>\n")
    with log.open("a") as file:
        file.write("\x1b[32mtwo\x1b[0m\n")
    expect(page.locator("#log")).to_have_text("one <b>bold</b>\ntwo\n")
    over = replace(attempt, state=AttemptState.SUCCEEDED, ended=site.now)
    line = Happened(
        at=site.now,
        subject="attempt",
        cause="made up",
        dag_id=run.dag_id,
        run_id=run.id,
        job_id="fetch-stock",
        number=1,
        to_state="succeeded",
    )
    site.commit(AttemptChanged(over), line)
    expect(page.locator("#attempts")).to_contain_text("succeeded")


def test_filters_answer_as_one_types(reader: Page, still: Site) -> None:
    reader.goto(f"/runs/{still.run()}")
    reader.keyboard.press("/")
    reader.keyboard.type("fetch")
    expect(reader.locator("#jobs tr")).to_have_count(4)
    expect(reader).to_have_url(re.compile(r"q=fetch"))
    reader.goto("/")
    reader.get_by_role("searchbox").fill("stock")
    expect(reader.locator("#dags tr")).to_have_count(1)


def test_keys_walk_through_rows(reader: Page) -> None:
    reader.goto("/")
    expect(reader.locator("html")).to_have_attribute("data-scripts", "on")
    reader.keyboard.press("j")
    reader.keyboard.press("j")
    reader.keyboard.press("k")
    reader.keyboard.press("Enter")
    expect(reader).to_have_url(re.compile(r"/dags/nightly-report$"))


def test_times_are_told_in_the_zone_chosen(reader: Page) -> None:
    reader.goto("/dags/nightly-report")
    due = reader.locator("#runs time[data-exact]").first
    utc = due.text_content()
    reader.get_by_label("Times in").select_option("dag")
    expect(due).to_have_attribute("title", re.compile("Europe/Berlin"))
    expect(due).not_to_have_text(utc or "")
    reader.reload()
    expect(due).to_have_attribute("title", re.compile("Europe/Berlin"))


def test_a_run_of_a_thousand_jobs_stays_usable(page: Page, site: Site) -> None:
    site.commit(*big_run(site.now))
    page.goto(f"/runs/{site.run('big-layers')}")
    expect(page.locator("#graph[data-ready]")).to_be_visible()
    expect(page.locator("#graph g.node")).to_have_count(1000)
    expect(page.locator("#graph g.view")).to_have_class(re.compile(r"\bfar\b"))
    page.get_by_placeholder("Find in 1000 jobs").fill("layer7-042")
    page.keyboard.press("Enter")
    expect(page.locator(".panel h3")).to_have_text("layer7-042")
    expect(page.locator("#graph g.view")).not_to_have_class(re.compile(r"\bfar\b"))


def test_without_scripts_everything_is_still_told(page: Page, site: Site) -> None:
    browser = page.context.browser
    assert browser is not None
    context = browser.new_context(base_url=site.url, java_script_enabled=False)
    plain = context.new_page()
    plain.goto(f"/runs/{site.run(place=1)}")
    expect(plain.locator("#jobs tr")).to_have_count(11)
    plain.goto("/dags/stock-sync")
    plain.locator("summary", has_text="Pause").click()
    plain.get_by_role("button", name="Pause").click()
    expect(plain.locator("#asked")).to_contain_text("waiting for the leader")
    context.close()


def test_a_narrow_screen_needs_no_sideways_scrolling(reader: Page, still: Site) -> None:
    reader.set_viewport_size({"width": 400, "height": 800})
    run = f"/runs/{still.run()}"
    job = f"{run}/jobs/prepare"
    for path in ("/", "/dags/nightly-report", run, job, "/load-errors", "/about"):
        reader.goto(path)
        expect(reader.locator("main")).to_be_visible()
        assert reader.evaluate("document.documentElement.scrollWidth") <= 400, path
