"""On a real Mesos: what jobs hand on, read from their sandboxes, and what it decides."""

import json
from collections.abc import Callable

import pytest

from moroccron.model.failure import FailureClass
from moroccron.model.outputs import MOST
from moroccron.model.states import AttemptState, RunState
from tests.cluster.mesos import Agent
from tests.e2e.cluster.conftest import NewSite
from tests.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(240)]

NewAgent = Callable[..., Agent]

DAGS = """
from moroccron import DAG, Job

small = dict(cpus=0.1, mem=16, output=True)
write = '''printf '%s' '{}' > "$MOROCCRON_OUTPUT"'''

with DAG("ends", defaults=small):
    Job("object", "cd /; " + write.format('{"rows": [1, 2]}'))
    Job("argv", ["/bin/sh", "-c", write.format('"from a list"')])
    Job("large", '''{ printf '"'; head -c 65534 /dev/zero | tr '\\\\0' x; printf '"'; } > "$MOROCCRON_OUTPUT"''')
    Job("larger", '''head -c 65537 /dev/zero | tr '\\\\0' 1 > "$MOROCCRON_OUTPUT"''')
    Job("broken", write.format('{"rows": '))
    Job("missing", "true")
    Job("spared", "true", output="optional")
    Job("untold", '''test -z "$MOROCCRON_OUTPUT"''', output=False)

with DAG("branched", defaults=dict(cpus=0.1, mem=16)):
    choose = Job("choose", write.format('["left"]'), branch=True)
    left, right = Job("left", '''<BEGIN>'''), Job("right", '''<BEGIN>''')
    join = Job("join", '''<BEGIN>''', trigger_rule="none_failed_min_one_success")
    choose >> [left, right] >> join
    stop = Job("stop", write.format('false'), short_circuit=True)
    stop >> Job("behind", '''<BEGIN>''')
    skips = Job("skips", "exit 99", skip_exit_code=99)
    skips >> Job("neither", '''<BEGIN>''')

with DAG("slow", defaults=small):
    Job("slow", '''<BEGIN>; sleep 2; <END>; ''' + write.format('"once"'))
"""


def test_what_is_handed_on(new_site: NewSite, mesos_agent: NewAgent) -> None:
    mesos_agent()
    site = new_site(DAGS)
    site.candidate()
    run_id = site.trigger("ends")
    assert site.await_end(run_id, 90).state is RunState.FAILED
    ended = {attempt.job_id: attempt for attempt in site.attempts(run_id)}
    values = {job: json.loads(a.output) for job, a in ended.items() if a.output is not None}
    assert values.pop("large") == "x" * (MOST - 2)
    assert values == {"object": {"rows": [1, 2]}, "argv": "from a list"}
    for job, why in (
        ("larger", f"larger than {MOST} bytes"),
        ("broken", "not JSON"),
        ("missing", "wrote nothing to $MOROCCRON_OUTPUT"),
    ):
        assert (ended[job].reason, ended[job].failure) == ("output", FailureClass.JOB), job
        assert why in (ended[job].message or "")
    assert ended["spared"].state is ended["untold"].state is AttemptState.SUCCEEDED
    site.await_quiet()
    shown = site.cli("jobs", "output", run_id, "object")
    assert json.loads(shown.stdout) == {"rows": [1, 2]}


def test_which_way_it_goes(new_site: NewSite, mesos_agent: NewAgent) -> None:
    mesos_agent()
    site = new_site(DAGS)
    site.candidate()
    run_id = site.trigger("branched")
    site.await_success(run_id, 90)
    assert sorted(site.lines()) == ["join", "left"]
    states = {job.job_id: str(job.state) for job in site.queries.job_runs(run_id)}
    assert states == {
        "choose": "succeeded",
        "left": "succeeded",
        "right": "skipped",
        "join": "succeeded",
        "stop": "succeeded",
        "behind": "skipped",
        "skips": "skipped",
        "neither": "skipped",
    }


def test_an_agent_that_is_away_is_asked_again_and_by_the_next_leader(
    new_site: NewSite, mesos_agent: NewAgent
) -> None:
    agent = mesos_agent()
    site = new_site(DAGS)
    leader = site.candidate()
    run_id = site.trigger("slow")
    until(lambda: site.lines(), "it has begun", 30)
    leader.kill()
    until(lambda: site.lines("end"), "it has ended", 30)
    agent.kill()
    site.candidate()
    agent.start()
    site.await_success(run_id, 120)
    (attempt,) = site.attempts(run_id)
    assert attempt.output == '"once"'
    site.assert_each_once(1)
    site.await_quiet()
