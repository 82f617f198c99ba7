"""The engine against a hostile outside: updates late, doubled, lost and out of order, crashes between commit
and effect, agents that vanish. What must hold is the product's promise: never two live tasks for one job run
unless the older is known to be lost, nothing launched that is not committed, and every run ends at last.
"""

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from moroccron.core.policy import DEFAULT_POLICY
from moroccron.model.command import KillRun, RetryJob, TriggerRun
from moroccron.model.dag_version import Every
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
from moroccron.model.states import AttemptState, ReportedState
from moroccron.testing import a_job, a_version
from moroccron.testing.engine import Engine

R = ReportedState
OVER = {R.FINISHED, R.FAILED, R.KILLED}
ROLES = ("batch", "night")


class Cluster:
    """What really happens out there, beside what the engine is told: the witness."""

    def __init__(self):
        self.running: dict[str, str] = {}  # task id -> job
        self.ended: dict[str, ReportedState] = {}
        self.starts: list[str] = []
        self.unacknowledged: dict[str, StatusReceived] = {}

    def launch(self, launch):
        assert launch.task_id not in self.starts
        twins = [j for j in self.running.values() if j == launch.key.job_run]
        assert not twins, f"{launch.key} started beside a live twin"
        self.starts.append(launch.task_id)
        self.running[launch.task_id] = launch.key.job_run

    def end(self, task, state):
        del self.running[task]
        self.ended[task] = state


class EngineMachine(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.jobs = [
            a_job("a", retries=1),
            a_job("b", ["a"]),
            a_job("c", ["a"], retries=2, retry_delay=5.0, role="night"),
            a_job("d", ["b", "c"], trigger_rule="all_done"),
        ]
        policy = replace(DEFAULT_POLICY, roles=ROLES)
        self.engine = Engine(a_version(jobs=self.jobs, max_active_runs=2), policy=policy)
        self.cluster = Cluster()
        self.uuids = 0
        self.performed = 0
        self.role_of = {}  # by offer, of all that were ever made
        self.turn(Subscribed("f"))

    # ---- plumbing: every decision of the engine acts on the cluster

    def turn(self, *events):
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
                        self.cluster.launch(launch)
                case Kill(task_id):
                    if task_id in self.cluster.running:
                        self.happen(task_id, R.KILLED)
                case Acknowledge(_, _, uuid):
                    self.cluster.unacknowledged.pop(uuid, None)
                case Reconcile():
                    pass

    def happen(self, task, state):
        if state in OVER:
            self.cluster.end(task, state)
        self.uuids += 1
        update = self.engine.update(task, state, uuid=f"u{self.uuids}")
        self.cluster.unacknowledged[update.uuid] = update

    def an_offer(self, role):
        offer_id = f"o{len(self.role_of) + 1}"
        self.role_of[offer_id] = role
        return Offer(offer_id, "a1", "h", Resources(150, 64, 64), role=role)

    def offer(self, *roles):
        self.turn(OffersReceived(tuple(self.an_offer(role) for role in roles)))

    # ---- rules

    @rule()
    def trigger(self):
        if len(self.engine.runs()) < 4:
            self.engine.ask(TriggerRun("d"))
            self.act()

    @rule(minutes=st.sampled_from([1, 2, 3, 5]))
    def the_schedule_is_edited(self, minutes):
        if len(self.engine.runs()) < 8:
            schedule = Every(60 * minutes)
            self.engine.load(a_version(jobs=self.jobs, max_active_runs=2, schedule=schedule))
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
    @precondition(lambda self: self.cluster.unacknowledged)
    def an_update_arrives_in_any_order_and_perhaps_again(self, data):
        updates = list(self.cluster.unacknowledged.values())
        self.turn(data.draw(st.sampled_from(updates)))

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
            if task in self.cluster.running:
                state = R.RUNNING
            elif task in self.cluster.ended:
                continue  # its agent will repeat the last update until it is acknowledged
            else:
                state = R.UNKNOWN
            self.turn(self.engine.update(task, state, uuid=None, reconciled=True))

    @rule(data=st.data())
    @precondition(lambda self: self.engine.runs())
    def a_person_interferes(self, data):
        run = data.draw(st.sampled_from([r.id for r in self.engine.runs()]))
        intent = data.draw(st.sampled_from([KillRun(run), RetryJob(run, "a"), RetryJob(run, "c")]))
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
                if told is R.FINISHED and attempt.kill is None:
                    assert attempt.state is AttemptState.SUCCEEDED


EngineMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestEngineMachine = EngineMachine.TestCase
