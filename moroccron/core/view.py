"""Everything that is not over, in memory. `core.applying` alone changes it; nobody outside the loop reads it."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from moroccron.core.ephemera import Doubted, OutputAwaited, StraySeen
from moroccron.core.fairness import Holding
from moroccron.core.graph import JobGraph
from moroccron.core.inquiry import Inquiry
from moroccron.core.listeners import Listeners
from moroccron.core.offer_book import OfferBook
from moroccron.core.policy import DEFAULT_POLICY, Policy
from moroccron.core.queue import Queue, Strangers
from moroccron.core.rebasing import rebased
from moroccron.core.run_view import RunView
from moroccron.core.timers import RunExpiry, Subject, Timers
from moroccron.core.vetoes import hopeless
from moroccron.model.backfill import Backfill
from moroccron.model.changes import DagState
from moroccron.model.claim import Claims, caps_claimed, caps_of
from moroccron.model.dag_version import DagVersion, JobSpec
from moroccron.model.evolve import evolve
from moroccron.model.load import LoadError
from moroccron.model.offer import InverseOffer
from moroccron.model.pool import Pool
from moroccron.model.run import Attempt, AttemptKey, JobRun, JobRunKey, PreviousRun, Run
from moroccron.model.share import Share
from moroccron.model.snapshot import Snapshot
from moroccron.model.states import AttemptState, JobRunState, RunKind, RunState
from moroccron.model.timetable import Timetable, timetable_of

_MOST_FORSAKEN = 10_000
#: what puts a backfill's job below any other: priorities are from -2^31 to 2^31 - 1, and no wait adds so much
BELOW_ALL = 2**40


def _takes_slot(run: Run) -> bool:
    """Whether it counts against max_active_runs of its DAG."""
    return run.state is RunState.RUNNING and run.backfill_id is None


class View:
    """The engine's memory at one moment. Rebuilt from a Snapshot alone, offers and doubts aside."""

    def __init__(
        self, snapshot: Snapshot, *, term: int, now: datetime, policy: Policy = DEFAULT_POLICY
    ) -> None:
        self.term = term
        self.policy = policy
        self.framework_id = snapshot.framework_id
        self.dags: dict[str, DagState] = {}
        self.versions: dict[str, DagVersion] = {v.id: v for v in snapshot.versions}
        self.pools: dict[str, int] = {}  #: slots by name
        self.used: Counter[str] = Counter()  #: slots taken, by name of limit
        self.held: dict[str, Claims] = {}  #: by task id: what it takes of limits, of those that do
        self.shares: dict[str, Share] = {}  #: by owner
        self.holdings: dict[str, Holding] = {}  #: by owner: what their attempts that may run hold
        self.payers: dict[
            str, tuple[str, int, int]
        ] = {}  #: by task id: whose it is, its cpus and mem
        self.listeners = Listeners()
        #: jobs that somebody listens to, ended in this batch, with their runs
        self.just_over: list[tuple[Run, JobRun]] = []
        self.load_errors: dict[str, tuple[LoadError, ...]] = {}
        self.runs: dict[str, RunView] = {}
        self.backfills: dict[int, Backfill] = {}  #: those that are not over
        self.runs_of_backfill: dict[int, set[str]] = {}  #: active runs
        #: by DAG: ends of intervals that a backfill has run and the schedule has not come to yet
        self.ahead: dict[str, set[datetime]] = {}
        #: active runs by DAG, in order of creation
        self.runs_of: dict[str, dict[str, RunView]] = {}
        #: how many of them have begun, by DAG, without those of backfills
        self.running: Counter[str] = Counter()
        self.followers: dict[str, set[str]] = {}  #: by run id: active runs that come after it
        self.ended: dict[str, PreviousRun] = {}  #: of those that have followers and are over
        self.sought: set[str] = set()  #: queued runs of which nobody knows yet what they come after
        self.touched: set[str] = (
            set()
        )  #: active runs in which something changed since they were settled
        self.live: dict[str, AttemptKey] = {}  #: task id -> attempt, of all that may run
        self.live_on: dict[str, set[str]] = {}  #: agent id -> task ids of those
        self.queue = Queue()
        self.strangers = Strangers()
        self.timers = Timers(self._matters)
        self.book = OfferBook()
        self.inverse: dict[str, InverseOffer] = {}  #: questions not answered yet, by id
        self.doubts: dict[str, Doubted] = {}
        self.awaited: dict[str, OutputAwaited] = {}  #: by task id: finished, but for their outputs
        self.cut_off: dict[str, datetime] = {}  #: task id -> when this leader first heard of it
        self.cut_off_told: set[str] = set()  #: those of them told on this connection
        self.strays: dict[str, StraySeen] = {}
        #: tasks given up while their agents were cut off, the oldest first; see `forsake`
        self.forsaken: dict[str, None] = {}
        self.inquiry = Inquiry()
        self.swept: datetime | None = None
        self.reasons: dict[tuple[str, str], str] = {}
        self.choosy: set[AttemptKey] = set()  #: queued retries that still wait for another agent
        self.subscribed_at: datetime | None = None
        self._graphs: dict[str, JobGraph] = {}
        self._timetables: dict[str, Timetable | None] = {}
        self._load(snapshot, now)

    def _load(self, snapshot: Snapshot, now: datetime) -> None:
        for pool in snapshot.pools:
            self.set_pool(pool)
        for share in snapshot.shares:
            self.set_share(share)
        for dag in snapshot.dags:
            self.set_dag(dag)
        for error in snapshot.load_errors:
            self.load_errors[error.file] = (*self.load_errors.get(error.file, ()), error)
        for backfill in snapshot.backfills:
            self.set_backfill(backfill)
        for dag_id, end in snapshot.ahead:
            self.ahead.setdefault(dag_id, set()).add(end)
        for run in snapshot.runs:
            self.set_run(run, now)
        for previous in snapshot.previous:
            self.note_previous(previous)
        for job_run in snapshot.job_runs:
            self.set_job_run(job_run)
        for attempt in snapshot.attempts:
            self.set_attempt(attempt, now)
            self._load_delay(attempt)
        self.just_over.clear()  # they ended in another term

    def _load_delay(self, attempt: Attempt) -> None:
        """A retry's delay may have ended while nobody led: look at it at once."""
        run = self.runs.get(attempt.run_id)
        if run is not None and attempt.state is AttemptState.QUEUED:
            job_run = run.job_run(run.graph.position[attempt.job_id])
            if job_run.state is JobRunState.RETRYING:
                self.timers.add(attempt.ready, attempt.key)

    # ------------------------------------------------------------------ reading

    def graph(self, version_id: str) -> JobGraph:
        found = self._graphs.get(version_id)
        if found is None:
            found = self._graphs[version_id] = JobGraph(self.versions[version_id], self.policy)
        return found

    def timetable(self, version_id: str) -> Timetable | None:
        if version_id not in self._timetables:
            self._timetables[version_id] = timetable_of(self.versions[version_id])
        return self._timetables[version_id]

    def next_wake(self) -> datetime | None:
        """When to look again although nothing happens."""
        return self.timers.next_wake()

    def attempt(self, key: AttemptKey) -> Attempt | None:
        """The newest attempt of a job run, if it is the one named and its run is active."""
        run = self.runs.get(key.run_id)
        if run is None:
            return None
        position = run.graph.position.get(key.job_id)
        if position is None:
            return None  # its job is gone
        attempt = run.attempts[position]
        return attempt if attempt is not None and attempt.number == key.number else None

    def spec(self, key: AttemptKey) -> JobSpec:
        """The definition of an active run's job."""
        graph = self.runs[key.run_id].graph
        return graph.specs[graph.position[key.job_id]]

    def _matters(self, subject: Subject) -> bool:
        """Whether there is still what a timer was set for."""
        match subject:
            case str():
                return subject in self.dags
            case AttemptKey():
                return self.attempt(subject) is not None
            case JobRunKey(run_id, _) | RunExpiry(run_id):
                return run_id in self.runs

    def take_sought(self) -> list[Run]:
        """The runs of which nobody knows yet what they come after, each named once."""
        sought, self.sought = self.sought, set()
        return [self.runs[id].run for id in sorted(sought)]

    def live_attempts(self) -> Iterable[Attempt]:
        """All attempts that may hold an agent's resources."""
        for key in self.live.values():
            attempt = self.attempt(key)
            if attempt is not None:
                yield attempt

    # ------------------------------------------------------------------ rows, for `core.applying`

    def set_pool(self, pool: Pool) -> None:
        self.pools[pool.name] = pool.slots
        self.queue.grown |= self.queue.roles

    def set_share(self, share: Share) -> None:
        """Weigh an owner's jobs anew, those that wait already too."""
        self.shares[share.owner] = share
        self._queue_anew(share.owner)

    def drop_share(self, owner: str) -> None:
        self.shares.pop(owner, None)
        self._queue_anew(owner)

    def _queue_anew(self, owner: str) -> None:
        for key in self.queue.of_owner(owner):
            attempt = self.attempt(key)
            assert attempt is not None, key
            self.queue.discard(key)
            self._await_offer(self.runs[key.run_id], attempt)
        self.queue.grown |= self.queue.roles

    def set_dag(self, dag: DagState) -> None:
        before = self.dags.get(dag.dag_id)
        self.dags[dag.dag_id] = dag
        if dag.next_due is not None and (before is None or before.next_due != dag.next_due):
            self.timers.add(dag.next_due, dag.dag_id)
        self.listeners.set(self.versions[dag.version_id], active=dag.active)
        if before is not None and before.version_id != dag.version_id:
            self._forget_version(dag.dag_id, before.version_id)
        until, ahead = dag.scheduled_until, self.ahead.get(dag.dag_id)
        if ahead and until is not None:
            self.ahead[dag.dag_id] = {end for end in ahead if end > until}

    def set_backfill(self, backfill: Backfill) -> None:
        if backfill.state.is_over:
            self.backfills.pop(backfill.id, None)
            self._forget_version(backfill.dag_id, backfill.version_id)
        else:
            self.backfills[backfill.id] = backfill

    def set_run(self, run: Run, now: datetime, *, adopt: bool = False) -> None:
        if run.state.is_terminal and not adopt:
            self._drop_run(run, now)
            return
        found = self.runs.get(run.id)
        if found is None:
            found = self.runs[run.id] = RunView(run, self.graph(run.version_id))
            self.runs_of.setdefault(run.dag_id, {})[run.id] = found
            self._note_ahead(run)
        else:
            self.running[run.dag_id] -= _takes_slot(found.run)
            self._leave_backfill(found.run)
            if found.run.version_id != run.version_id:
                found = self._rebase(found, run)
        self.running[run.dag_id] += _takes_slot(run)
        if run.backfill_id is not None and not run.state.is_terminal:
            self.runs_of_backfill.setdefault(run.backfill_id, set()).add(run.id)
        if run.expires is not None and (found.run is run or found.run.expires != run.expires):
            self.timers.add(run.expires, RunExpiry(run.id))
        self._link_previous(found, None if found.run is run else found.run.previous, run)
        found.run = run
        self.touched.add(run.id)
        self._tell_followers(run.id)

    def _rebase(self, before: RunView, run: Run) -> RunView:
        """Put a run that is re-opened on another version."""
        found = rebased(before, run, self.graph(run.version_id))
        self.runs[run.id] = self.runs_of[run.dag_id][run.id] = found
        self._forget_version(run.dag_id, before.run.version_id)
        return found

    def _link_previous(self, found: RunView, before: str | None, run: Run) -> None:
        if not found.graph.looks_back:
            return
        if run.previous is None and run.state is RunState.QUEUED:
            self.sought.add(run.id)
        else:
            self.sought.discard(run.id)
        if before and before != run.previous:
            self._unfollow(run.id, before)
        if run.previous:
            self.followers.setdefault(run.previous, set()).add(run.id)

    def _unfollow(self, run_id: str, previous: str) -> None:
        beside = self.followers[previous]
        beside.discard(run_id)
        if not beside:
            del self.followers[previous]
            self.ended.pop(previous, None)

    def _tell_followers(self, run_id: str) -> None:
        """Something of a run changed: what waits for it is looked at again."""
        for follower in self.followers.get(run_id, ()):
            found = self.runs[follower]
            found.dirty |= found.held
            self.touched.add(follower)

    def note_previous(self, previous: PreviousRun) -> None:
        """Keep what an ended run has come to, for those that come after it."""
        self.ended[previous.id] = previous

    def _note_ahead(self, run: Run) -> None:
        if run.kind is RunKind.BACKFILL:
            until = self.dags[run.dag_id].scheduled_until
            if until is None or run.interval.end > until:
                self.ahead.setdefault(run.dag_id, set()).add(run.interval.end)

    def _leave_backfill(self, run: Run) -> None:
        beside = self.runs_of_backfill.get(run.backfill_id or 0, set())
        beside.discard(run.id)
        if not beside:
            self.runs_of_backfill.pop(run.backfill_id or 0, None)

    def _drop_run(self, run: Run, now: datetime) -> None:
        found = self.runs.pop(run.id, None)
        if found is None:
            return
        self.running[run.dag_id] -= _takes_slot(found.run)
        self._leave_backfill(found.run)
        siblings = self.runs_of[run.dag_id]
        del siblings[run.id]
        if not siblings:
            del self.runs_of[run.dag_id], self.running[run.dag_id]
        for spec in found.graph.specs:
            self.reasons.pop((run.id, spec.id), None)
        self.touched.discard(run.id)
        self.sought.discard(run.id)
        if found.run.previous:
            self._unfollow(run.id, found.run.previous)
        if run.id in self.followers:
            self.note_previous(found.as_previous(run.state))
            self._tell_followers(run.id)
        # A slot is free: what is due and found no room may begin, and so may a run that waits.
        dag = self.dags.get(run.dag_id)
        if dag is not None and dag.next_due is not None and dag.next_due <= now:
            self.timers.add(dag.next_due, dag.dag_id)
        for sibling in siblings.values():
            if sibling.run.state is RunState.QUEUED and sibling.run.id not in self.touched:
                self.touched.add(sibling.run.id)
                if not sibling.graph.looks_back:  # else the first may have to wait for another
                    break
        self._forget_version(run.dag_id, run.version_id)

    def _forget_version(self, dag_id: str, version_id: str) -> None:
        """Drop what is cached of an older version that no active run is pinned to any more."""
        dag = self.dags.get(dag_id)
        if dag is not None and dag.version_id == version_id:
            return
        if any(v.run.version_id == version_id for v in self.runs_of.get(dag_id, {}).values()):
            return
        if any(found.version_id == version_id for found in self.backfills.values()):
            return
        for cache in (self.versions, self._graphs, self._timetables):
            cache.pop(version_id, None)

    def set_job_run(self, job_run: JobRun) -> None:
        run = self.runs[job_run.run_id]
        if run.graph.times_jobs and job_run.position < len(run.job_runs):
            self._time_job(run, job_run)
        if run.run.dag_id in self.listeners.told_of_jobs and run.ends_by(job_run):
            self.just_over.append((run.run, job_run))
        run.set_job_run(job_run)
        self.touched.add(job_run.run_id)
        if job_run.run_id in self.followers:
            self._tell_followers(job_run.run_id)

    def set_attempt(self, attempt: Attempt, now: datetime) -> None:
        key = attempt.key
        run = self.runs.get(attempt.run_id)
        if run is not None:
            run.set_attempt(attempt)
        if attempt.state is AttemptState.QUEUED:
            if attempt.ready > now:
                self.timers.add(attempt.ready, key)
            elif run is not None:
                self._may_be_choosy(attempt, now)
                self._await_offer(run, attempt)
            return
        self.queue.discard(key)
        self.choosy.discard(key)
        self.strangers.discard(key)
        self.reasons.pop((attempt.run_id, attempt.job_id), None)
        if attempt.task_id is None:
            return
        if attempt.state.is_live:
            self._set_live(attempt, attempt.task_id)
        elif attempt.task_id in self.live:
            self._end_live(attempt, attempt.task_id)
        if attempt.state is not AttemptState.UNREACHABLE and attempt.task_id in self.cut_off:
            del self.cut_off[attempt.task_id]
            self.cut_off_told.discard(attempt.task_id)

    def _set_live(self, attempt: Attempt, task_id: str) -> None:
        if task_id not in self.live:
            self._hold(attempt, task_id)
        self.live[task_id] = attempt.key
        if attempt.agent_id is not None:
            self.live_on.setdefault(attempt.agent_id, set()).add(task_id)

    def _hold(self, attempt: Attempt, task_id: str) -> None:
        run = self.runs.get(attempt.run_id)
        if run is None:
            return
        position = run.graph.position[attempt.job_id]
        claims = run.graph.claims(position, attempt.run_id)
        if claims:
            self.held[task_id] = claims
            for name, slots in claims:
                self.used[name] += slots
        wants = run.graph.specs[position].resources
        owner, mem = run.graph.payers[position], wants.mem if attempt.mem is None else attempt.mem
        self.payers[task_id] = owner, wants.cpus, mem
        self.holdings.setdefault(owner, Holding()).add(wants.cpus, mem, 1)

    def _release(self, task_id: str) -> None:
        """Slots are free: what was refused meanwhile may fit what is queued for them."""
        for name, slots in self.held.pop(task_id, ()):
            self.used[name] -= slots
            if not self.used[name]:
                del self.used[name]
            if name in self.queue.claimed:
                self.queue.grown |= self.queue.roles
        payer = self.payers.pop(task_id, None)
        if payer is None:
            return
        owner, cpus, mem = payer
        holding = self.holdings[owner]
        holding.add(cpus, mem, -1)
        if not holding.jobs:
            del self.holdings[owner]
        if owner in self.shares and caps_claimed(owner) & self.queue.claimed:
            self.queue.grown |= self.queue.roles

    def _end_live(self, attempt: Attempt, task_id: str) -> None:
        del self.live[task_id]
        self._release(task_id)
        self.doubts.pop(task_id, None)
        self.awaited.pop(task_id, None)
        self.inquiry.heard(task_id)
        self.leave_agent(task_id, attempt.agent_id)

    def leave_agent(self, task_id: str, agent_id: str | None) -> None:
        beside = self.live_on.get(agent_id or "", set())
        beside.discard(task_id)
        if not beside:
            self.live_on.pop(agent_id or "", None)

    def _time_job(self, run: RunView, job_run: JobRun) -> None:
        """Wake when a job's time is up, if it has just begun to count."""
        before = run.job_runs[job_run.position]
        ends = None if job_run.state.is_terminal else run.graph.ends(job_run)
        if ends is not None and (before is None or before.ready != job_run.ready):
            self.timers.add(ends, job_run.key)

    def _may_be_choosy(self, attempt: Attempt, now: datetime) -> None:
        """For a while a retry takes no agent on which its job ended badly: another may be offered."""
        if not attempt.avoid or attempt.key in self.choosy:
            return
        until = attempt.ready + timedelta(seconds=self.policy.retry_elsewhere)
        if now < until:
            self.choosy.add(attempt.key)
            self.timers.add(until, attempt.key)

    def take_any_agent(self, key: AttemptKey) -> None:
        """No other agent was offered in time to an attempt that is queued: let it have any."""
        self.choosy.discard(key)
        self.queue.discard(key)
        attempt = self.attempt(key)
        assert attempt is not None, key
        self._await_offer(self.runs[key.run_id], attempt)

    def _await_offer(self, run: RunView, attempt: Attempt) -> None:
        position = run.graph.position[attempt.job_id]
        limit = run.graph.specs[position].start_within
        if limit is not None and attempt.key not in self.queue:
            self.timers.add(attempt.ready + timedelta(seconds=limit), attempt.key)
        shape = run.graph.shape_of(attempt, elsewhere=attempt.key in self.choosy)
        owner = run.graph.payers[position]
        share = self.shares.get(owner)
        if share is not None and share.is_capped:
            shape = evolve(shape, claims=(*shape.claims, *caps_of(share, shape.resources)))
        if hopeless(shape, self.policy.roles, self.policy.gpus) is None:
            priority = run.graph.priority[position]
            if run.run.backfill_id is not None:
                priority -= BELOW_ALL
            self.queue.add(attempt.key, priority, shape, attempt.ready, owner)
        else:
            self.strangers.add(attempt.key)

    def forsake(self, task_id: str) -> None:
        """Remember that we gave a task up, for when it comes back.

        Of very many the oldest are forgotten: should one of those come back, it is waited for as an orphan is.
        """
        self.forsaken[task_id] = None
        if len(self.forsaken) > _MOST_FORSAKEN:
            del self.forsaken[next(iter(self.forsaken))]

    def check(self) -> None:
        """Raise AssertionError when derived data and rows disagree. For tests and for replays."""
        for run in self.runs.values():
            run.check()
        followed = {(r.run.previous, id) for id, r in self.runs.items() if r.run.previous}
        assert followed == {(p, id) for p, ids in self.followers.items() for id in ids}, followed
        assert self.ended.keys() <= self.followers.keys(), self.ended
        live = {
            a.task_id: a.key for r in self.runs.values() for a in r.live_attempts() if a.task_id
        }
        assert live == self.live, (live, self.live)
        used: Counter[str] = Counter()
        for live_one in self.live_attempts():
            graph = self.runs[live_one.run_id].graph
            used.update(dict(graph.claims(graph.position[live_one.job_id], live_one.run_id)))
        assert used == self.used, (used, self.used)
        assert self.payers.keys() == self.live.keys(), (self.payers, self.live)
        jobs = Counter(owner for owner, _, _ in self.payers.values())
        assert jobs == {owner: h.jobs for owner, h in self.holdings.items()}, self.holdings
        taking = Counter(run.run.dag_id for run in self.runs.values() if _takes_slot(run.run))
        assert taking == +self.running, (taking, self.running)
        of_backfills: dict[int, set[str]] = {}
        for run in self.runs.values():
            if run.run.backfill_id is not None:
                of_backfills.setdefault(run.run.backfill_id, set()).add(run.run.id)
        assert of_backfills == self.runs_of_backfill, (of_backfills, self.runs_of_backfill)
        placed = {task: agent for agent, tasks in self.live_on.items() for task in tasks}
        assert placed == {a.task_id: a.agent_id for a in self.live_attempts()}, self.live_on
        assert self.inquiry.unheard.keys() <= self.live.keys(), self.inquiry.unheard
        assert self.inquiry.pending.keys() <= self.live.keys(), self.inquiry.pending
        for key in self.queue:
            attempt = self.attempt(key)
            assert attempt is not None and attempt.state is AttemptState.QUEUED, key
