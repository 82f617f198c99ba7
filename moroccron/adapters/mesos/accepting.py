"""Accepting: which ACCEPTs an Accept takes, what is left of it, and how a refused one is tried in parts. Pure.

A call names offers of one role, and only offers that are still ours: one bad id, or one task that the master
cannot even read, spoils the whole of it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from moroccron.adapters.mesos import calls
from moroccron.adapters.mesos.calls import Body
from moroccron.adapters.mesos.offers import Taken
from moroccron.adapters.mesos.resources import Pool
from moroccron.adapters.mesos.tasks import task_info
from moroccron.model.files import Containerizer
from moroccron.model.offer import Launch


@dataclass(frozen=True, slots=True)
class Task:
    """A launch with the TaskInfo that was made of it."""

    launch: Launch
    info: Body


@dataclass(frozen=True, slots=True)
class Accepting:
    """One ACCEPT to be sent: offers of one role, and what is launched on them."""

    offer_ids: tuple[str, ...]
    tasks: tuple[Task, ...]
    refuse_seconds: float
    waiting: tuple[
        Task, ...
    ] = ()  #: of the same offers: kept out of this call, to find who spoils it

    def body(self) -> Body:
        infos = [task.info for task in self.tasks]
        return calls.accept(self.offer_ids, infos, self.refuse_seconds)


@dataclass(frozen=True, slots=True)
class Refused:
    """After a master would not read an ACCEPT: who is to blame, and what to send now."""

    guilty: Task | None
    then: (
        Accepting | None
    )  #: None: nothing is left to launch, so that the offers are to be declined


def accepts(
    taken: Sequence[Taken],
    launches: Iterable[Launch],
    refuse_seconds: float,
    containerizer: Containerizer,
) -> tuple[list[Accepting], list[Launch]]:
    """One ACCEPT for each role among the offers, each launch in the first where it fits; and who fits in none.

    That is so where an offer was rescinded meanwhile: to send them would end them as if it were their own fault.
    """
    pools = [Pool(part.entries) for part in taken]
    tasks: list[list[Task]] = [[] for _ in taken]
    left: list[Launch] = []
    for launch in launches:
        for pool, mine in zip(pools, tasks, strict=True):
            entries = pool.cut(launch.resources, launch.ports)
            if entries is not None:
                mine.append(Task(launch, task_info(launch, entries, containerizer)))
                break
        else:
            left.append(launch)
    found = [
        Accepting(tuple(part.offer_ids), tuple(mine), refuse_seconds)
        for part, mine in zip(taken, tasks, strict=True)
    ]
    return found, left


def after_refusal(refused: Accepting) -> Refused:
    """What to do once a master said that it cannot read this ACCEPT: its offers are still ours.

    Of several tasks half is tried, and so on: what is taken in the end is launched, and a task that is refused all
    alone is to blame. So one bad task costs the others a few rounds, and not their lives.
    """
    tasks, rest = refused.tasks, refused.waiting
    if len(tasks) > 1:
        half = len(tasks) // 2
        return Refused(None, _again(refused, tasks[:half], tasks[half:] + rest))
    guilty = tasks[0] if tasks else None
    return Refused(guilty, _again(refused, rest, ()) if rest else None)


def _again(one: Accepting, tasks: tuple[Task, ...], waiting: tuple[Task, ...]) -> Accepting:
    return Accepting(one.offer_ids, tasks, one.refuse_seconds, waiting)
