"""Which ACCEPTs are made of an Accept, and how a task that the master cannot read is found among others."""

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from moroccron.adapters.mesos.accepting import Accepting, Task, accepts, after_refusal
from moroccron.adapters.mesos.offers import OfferBook
from moroccron.model.files import Containerizer
from moroccron.model.offer import Launch
from moroccron.model.resources import Resources
from moroccron.model.run import AttemptKey

DATA = Path(__file__).parents[1] / "data" / "mesos"
(OFFER,) = json.loads((DATA / "offers.json").read_text())["offers"]["offers"]
FIRST = OFFER["id"]["value"]


def launch(task_id: str, **fields: Any) -> Launch:
    values: dict[str, Any] = {"resources": Resources(cpus=500, mem=64)}
    return Launch(task_id, AttemptKey("dag@run", "job", 2), "agent-1", "true", **values | fields)


def made(
    book: OfferBook, ids: tuple[str, ...], *launches: Launch
) -> tuple[list[tuple[list[str], list[str]]], list[str]]:
    """The calls as (offers, tasks), and the tasks that are left."""
    found, left = accepts(book.take(ids), launches, 0.0, Containerizer.MESOS)
    calls = []
    for one in found:
        accept = one.body()["accept"]
        tasks = [info for part in accept["operations"] for info in part["launch"]["task_infos"]]
        names = [info["task_id"]["value"] for info in tasks]
        calls.append(([offer["value"] for offer in accept["offer_ids"]], names))
    return calls, [one.task_id for one in left]


def book(*offers: dict[str, Any]) -> OfferBook:
    held = OfferBook()
    held.add(offers)
    return held


def small(offer_id: str, role: str, cpus: float = 0.1) -> dict[str, Any]:
    entry = {"name": "cpus", "type": "SCALAR", "scalar": {"value": cpus}}
    allocation = {"allocation_info": {"role": role}}
    return {"id": {"value": offer_id}, "resources": [entry | allocation], **allocation}


class TestCalls:
    def test_offers_of_one_role_in_one_accept(self):
        held = book(OFFER, {**OFFER, "id": {"value": "second"}})
        calls, left = made(held, (FIRST, "second"), launch("a"), launch("b"))
        assert calls == [([FIRST, "second"], ["a", "b"])]
        assert not left
        assert not len(held)

    def test_offers_of_two_roles_in_two(self):
        calls, _ = made(book(small("o", "other"), OFFER), ("o", FIRST), launch("a"))
        assert calls == [(["o"], []), ([FIRST], ["a"])]

    def test_an_offer_that_was_rescinded_is_not_named(self):
        second = {**OFFER, "id": {"value": "second"}}
        calls, left = made(book(second), (FIRST, "second"), launch("a"))
        assert (calls, left) == ([(["second"], ["a"])], [])

    def test_what_only_the_rescinded_had_room_for_is_not_sent(self):
        whole = launch("whole", resources=Resources(cpus=4000, mem=64))
        part = launch("part", resources=Resources(cpus=100))
        calls, left = made(book(small("second", "batch")), (FIRST, "second"), whole, part)
        assert (calls, left) == ([(["second"], ["part"])], ["whole"])

    def test_nor_is_what_only_the_rescinded_had_the_ports_for(self):
        second = {**OFFER, "id": {"value": "second"}}
        elsewhere = launch("a", ports=(31999,), resources=Resources(cpus=100, ports=1))
        assert made(book(second), (FIRST, "second"), elsewhere) == ([(["second"], [])], ["a"])

    def test_of_rescinded_offers_alone_nothing_is_sent(self):
        assert made(book(), (FIRST,), launch("a")) == ([], ["a"])


@given(st.integers(0, 40), st.data())
def test_who_the_master_cannot_read_is_found_and_costs_the_others_little(
    number: int, data: st.DataObject
) -> None:
    tasks = tuple(Task(launch(str(name)), {}) for name in range(number))
    bad = data.draw(
        st.sets(st.sampled_from(tasks).map(lambda task: task.launch.task_id))
        if tasks
        else st.just(set())
    )
    blamed: list[str] = []
    lost = dict.fromkeys((task.launch.task_id for task in tasks), 0)
    left = tasks
    while left:  # what is left over is placed again, in the worst case all together
        one: Accepting | None = Accepting(("o",), left, 0.0)
        left = ()
        while one is not None:
            if not any(task.launch.task_id in bad for task in one.tasks):
                left = one.waiting
                break
            found = after_refusal(one)
            if found.guilty is not None:
                blamed.append(found.guilty.launch.task_id)
            one = found.then
        for task in left:
            lost[task.launch.task_id] += 1
    assert sorted(blamed) == sorted(bad)
    if len(bad) <= 1:
        assert max(lost.values(), default=0) <= number.bit_length()
