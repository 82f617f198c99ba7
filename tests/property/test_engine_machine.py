"""The engine against a hostile outside: updates late, doubled, lost and out of order, crashes between commit
and effect, agents that are cut off. What must hold is the product's promise: never two live tasks for one job run
unless the older is cut off and was given up as its job or a person wished, nothing launched that is not committed,
and every run ends at last.
"""

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from moroccron.core.policy import DEFAULT_POLICY
from moroccron.model.command import KillRun, MarkJob, RetryJob, TriggerRun
from moroccron.model.effects import Accept, Acknowledge, Kill, Reconcile
from moroccron.model.events import (
    Disconnected,
    FilesLoaded,
    OffersReceived,
    StatusReceived,
    Subscribed,
)
from moroccron.model.offer import Offer
from moroccron.model.resources import Resources
from moroccron.model.schedule import CatchUp, Every, Overlap
from moroccron.model.states import MARKS, AttemptState, ReportedState
from moroccron.testing import a_job, a_version
from moroccron.testing.engine import Engine

R = ReportedState
OVER = {R.FINISHED, R.FAILED, R.KILLED}
ROLES = ("batch", "night")


def is_given_up(attempt):
    return attempt.kill is not None or attempt.reason == "unreachable"


class Cluster:
    """What really happens out there, beside what the engine is told: the witness."""

    def __init__(self):
        self.cut_off = False  # agent a1; a2 is always there
        self.once_hidden: set[str] = set()  # tasks on a1 when it was cut off
        self.running: dict[str, str] = {}  # task id -> job
        self.agents: dict[str, str] = {}  # task id -> agent
        self.ended: dict[str, ReportedState] = {}
        self.starts: list[str] = []
        self.unacknowledged: dict[str, StatusReceived] = {}

    def launch(self, launch, given_up):
        assert launch.task_id not in self.starts
        twins = {task for task, job in self.running.items() if job == launch.key.job_run}
        assert twins <= self.once_hidden & given_up, f"{launch.key} started beside a live twin"
        self.starts.append(launch.task_id)
        self.agents[launch.task_id] = launch.agent_id
        self.running[launch.task_id] = launch.key.job_run

    def hidden(self, task):
        return self.cut_off and self.agents.get(task) == "a1"

    def end(self, task, state):
        del self.running[task]
        self.ended[task] = state


class EngineMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.jobs = [
            a_job("a", retries=1),
            a_job("b", ["a"], replace_after=3.0),
            a_job("c", ["a"], retries=2, retry_delay=5.0, replace_after=30.0, role="night"),
            a_job("d", ["b", "c"], trigger_rule="all_done"),
        ]
        policy = replace(DEFAULT_POLICY, roles=ROLES)
        self.engine = Engine(a_version(jobs=self.jobs, max_active_runs=2), policy=policy)
        self.cluster = Cluster()
        self.uuids = 0
        self.performed = 0
        self.role_of = {}  # by offer, of all that were ever made
        self.lied_about: set[str] = (
            set()
        )  # tasks that were denied, with no true word about them since
        self.turn(Subscribed("f"))

    # ---- plumbing: every decision of the engine acts on the cluster

    def turn(self, *events):
        for event in events:
            if isinstance(event, StatusReceived) and event.state is not R.UNKNOWN:
                self.lied_about.discard(event.task_id)
        self.engine.send(*events)
        self.act()

    def act(self):
        fresh, self.performed = (
            self.engine.effects[self.performed :],
            len(self.engine.effects),
        )
        for effect in fresh:
            match effect:
                case Accept():
                    (role,) = {self.role_of[offer] for offer in effect.offer_ids}
                    for launch in effect.launches:
                        assert role == ("night" if launch.key.job_id == "c" else "batch")
                        self.cluster.launch(launch, self.given_up())
                case Kill(task_id):
                    # Mesos forgets the kill of a task on an agent that is cut off.
                    if task_id in self.cluster.running and not self.cluster.hidden(task_id):
                        self.happen(task_id, R.KILLED)
                case Acknowledge(task_id, _, uuid) if not self.cluster.hidden(task_id):
                    self.cluster.unacknowledged.pop(uuid, None)
                case Reconcile():
                    pass

    def given_up(self):
        """Tasks that were cut off and then replaced, or killed by a person: only these may get a twin."""
        attempts = [a for r in self.engine.runs() for a in self.engine.store.attempts(r.id)]
        return {a.task_id for a in attempts if a.state.is_terminal and is_given_up(a)}

    def happen(self, task, state):
        if state in OVER:
            self.cluster.end(task, state)
        self.uuids += 1
        update = self.say(task, state, uuid=f"u{self.uuids}")
        self.cluster.unacknowledged[update.uuid] = update

    def say(self, task, state, **fields):
        return self.engine.update(
            task, state, agent_id=self.cluster.agents.get(task, "a1"), **fields
        )

    def an_offer(self, role):
        offer_id = f"o{len(self.role_of) + 1}"
        self.role_of[offer_id] = role
        agent = "a2" if self.cluster.cut_off else "a1"
        return Offer(offer_id, agent, "h", Resources(150, 64, 64), role=role)

    def offer(self, *roles):
        self.turn(OffersReceived(tuple(self.an_offer(role) for role in roles)))

    def arriving(self):
        updates = self.cluster.unacknowledged.values()
        return [u for u in updates if not self.cluster.hidden(u.task_id)]

    # ---- rules

    @rule()
    def trigger(self):
        if len(self.engine.runs()) < 4:
            self.engine.ask(TriggerRun("d"))
            self.act()

    @rule(
        minutes=st.sampled_from([1, 2, 3, 5]),
        overlap=st.sampled_from(Overlap),
        catchup=st.sampled_from(CatchUp),
    )
    def the_schedule_is_edited(self, minutes, overlap, catchup):
        if len(self.engine.runs()) < 8:
            fields = {"schedule": Every(60 * minutes), "overlap": overlap, "catchup": catchup}
            version = a_version(jobs=self.jobs, max_active_runs=2, pause_after=3, **fields)
            self.engine.load(version)
            self.act()

    @rule()
    def the_file_is_gone(self):
        self.engine.send(FilesLoaded((), complete=True))
        self.act()

    @rule(roles=st.lists(st.sampled_from(ROLES), min_size=1, max_size=3))
    def offer_some(self, roles):
        self.offer(*roles)

    @rule(data=st.data(), state=st.sampled_from([R.RUNNING, R.FINISHED, R.FAILED]))
    @precondition(lambda self: self.cluster.running)
    def something_happens(self, data, state):
        self.happen(data.draw(st.sampled_from(sorted(self.cluster.running))), state)

    @rule(data=st.data())
    @precondition(lambda self: self.arriving())
    def an_update_arrives_in_any_order_and_perhaps_again(self, data):
        self.turn(data.draw(st.sampled_from(self.arriving())))

    @rule()
    @precondition(lambda self: not self.cluster.cut_off and self.cluster.running)
    def an_agent_is_cut_off(self):
        self.cluster.cut_off = True
        hidden = sorted(filter(self.cluster.hidden, self.cluster.running))
        self.cluster.once_hidden.update(hidden)
        for task in hidden:
            self.turn(self.say(task, R.UNREACHABLE, uuid=None))

    @rule()
    @precondition(lambda self: self.cluster.cut_off)
    def the_agent_is_back(self):
        hidden = sorted(filter(self.cluster.hidden, self.cluster.running))
        self.cluster.cut_off = False
        for task in hidden:
            self.happen(task, R.RUNNING)

    @rule()
    def crash_between_batches(self):
        self.engine.crash()
        self.turn(Subscribed("f"))

    @rule(role=st.sampled_from(ROLES))
    def crash_after_commit_before_effects(self, role):
        self.engine.decide(OffersReceived((self.an_offer(role),)))
        self.engine.crash()
        self.turn(Subscribed("f"))

    @rule(silent=st.frozensets(st.sampled_from(ROLES)))
    def reconnect(self, silent):
        self.turn(Disconnected("x"))
        self.turn(Subscribed("f", silent))

    @rule(seconds=st.sampled_from([0.1, 1.0, 6.0, 40.0]))
    def time_passes(self, seconds):
        self.engine.pass_time(seconds)
        self.act()

    @rule()
    def reconciliation_is_answered(self):
        for attempt in list(self.engine.view.live_attempts()):
            task = attempt.task_id
            if self.cluster.cut_off and attempt.agent_id == "a1":
                state = (
                    R.UNREACHABLE
                )  # whatever became of it: the master says so of all that were there
            elif task in self.cluster.running:
                state = R.RUNNING
            elif task in self.cluster.ended:
                continue  # its agent will repeat the last update until it is acknowledged
            else:
                state = R.UNKNOWN
                self.lied_about.discard(task)
            word = self.engine.update(
                task, state, agent_id=attempt.agent_id, uuid=None, reconciled=True
            )
            self.turn(word)

    @rule(data=st.data(), pauses=st.tuples(*[st.sampled_from([0.1, 1.0, 40.0])] * 3))
    @precondition(lambda self: self.cluster.running.keys() - self.lied_about)
    def what_runs_is_denied_and_affirmed_in_turn(self, data, pauses):
        """No single message is the truth: with a true word between two denials none is believed."""
        task = data.draw(st.sampled_from(sorted(self.cluster.running.keys() - self.lied_about)))
        for state, pause in zip((R.UNKNOWN, R.RUNNING, R.UNKNOWN), pauses, strict=True):
            self.engine.pass_time(pause)
            self.act()
            if task not in self.cluster.running or self.cluster.hidden(task):
                return
            self.turn(self.say(task, state, uuid=None, reconciled=True))
        self.lied_about.add(task)

    @rule()
    def the_master_tells_what_runs(self):
        for task in sorted(self.cluster.running):
            if not self.cluster.hidden(task):
                self.turn(self.say(task, R.RUNNING, uuid=None, reconciled=True))

    @rule(data=st.data())
    @precondition(lambda self: self.engine.runs())
    def a_person_interferes(self, data):
        run = data.draw(st.sampled_from([r.id for r in self.engine.runs()]))
        state = data.draw(st.sampled_from(sorted(MARKS)))
        retries = [RetryJob(run, "a"), RetryJob(run, "c")]
        marks = [MarkJob(run, "a", state), MarkJob(run, "c", state)]
        intent = data.draw(st.sampled_from([KillRun(run), *retries, *marks]))
        self.engine.ask(intent)
        self.act()

    # ---- what must hold

    @invariant()
    def everything_that_runs_is_committed(self):
        for task in self.cluster.running:
            assert any(
                a.task_id == task
                for run in self.engine.runs()
                for a in self.engine.store.attempts(run.id)
            )

    @invariant()
    def memory_equals_what_a_new_leader_would_load(self):
        stored = {a.key: a for a in self.engine.store.load().attempts}
        for run in self.engine.view.runs.values():
            for attempt in run.attempts:
                if attempt is not None:
                    assert stored[attempt.key] == attempt

    def teardown(self):
        """With a fair outside every run ends."""
        if self.cluster.cut_off:
            self.the_agent_is_back()
        self.engine.send(FilesLoaded((), complete=True))  # and no further one begins
        self.act()
        for _ in range(200):
            if not self.engine.view.runs:
                break
            for update in list(self.cluster.unacknowledged.values()):
                self.turn(update)
            self.reconciliation_is_answered()
            for task in sorted(self.cluster.running):
                self.happen(task, R.FINISHED)
            self.offer(*ROLES)
            self.engine.pass_time(7)
            self.act()
        assert not self.engine.view.runs, self.engine.jobs(next(iter(self.engine.view.runs)))
        for run in self.engine.runs():
            for attempt in self.engine.store.attempts(run.id):
                assert attempt.state.is_terminal
                told = self.cluster.ended.get(attempt.task_id)
                if told is R.FINISHED and not is_given_up(attempt):
                    assert attempt.state is AttemptState.SUCCEEDED


EngineMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestEngineMachine = EngineMachine.TestCase
