"""Cutting tasks out of an agent's offered resources: nothing is given twice, nothing changes its owner."""

from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from moroccron.adapters.mesos.resources import Pool, amounts
from moroccron.model.resources import NOTHING, Resources

UNITS = {"cpus": 1, "mem": 1000, "disk": 1000, "gpus": 1000}
OWNERS: list[dict[str, Any]] = [
    {},
    {"reservations": [{"type": "STATIC", "role": "batch"}]},
    {"reservations": [{"type": "DYNAMIC", "role": "batch", "principal": "p"}]},
]
ALLOCATION = {"allocation_info": {"role": "batch"}}


@st.composite
def scalars(draw: st.DrawFn) -> dict[str, Any]:
    name = draw(st.sampled_from(sorted(UNITS)))
    amount = draw(st.integers(1, 64))
    value = amount / 1000 * draw(st.integers(1, 1000)) if name == "cpus" else float(amount)
    entry = {"name": name, "type": "SCALAR", "scalar": {"value": round(value, 3)}}
    return entry | ALLOCATION | draw(st.sampled_from(OWNERS))


@st.composite
def offered(draw: st.DrawFn) -> list[dict[str, Any]]:
    entries = draw(st.lists(scalars(), max_size=10))
    first = 31000
    for _ in range(draw(st.integers(0, 3))):
        length = draw(st.integers(1, 5))
        port_range = {"begin": first, "end": first + length - 1}
        ports = {"name": "ports", "type": "RANGES", "ranges": {"range": [port_range]}}
        entries.append(ports | ALLOCATION | draw(st.sampled_from(OWNERS)))
        first += length + draw(st.integers(0, 3))
    return entries


def by_owner(entries: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
    """Thousandths by name and owner; ports by number."""
    total: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        owner = str(entry.get("reservations"))
        if "scalar" in entry:
            total[entry["name"], owner] += round(entry["scalar"]["value"] * 1000)
        for part in entry.get("ranges", {}).get("range", ()):
            for port in range(part["begin"], part["end"] + 1):
                total[f"port {port}", owner] += 1
    return total


@st.composite
def parts(draw: st.DrawFn, whole: Resources, ports: list[int]) -> list[tuple[Resources, list[int]]]:
    """Tasks that fit into the whole together."""
    found, left = [], whole
    for _ in range(draw(st.integers(1, 4))):
        wanted = Resources(*(draw(st.integers(0, most)) for most in left.as_tuple()))
        mine, ports = ports[: wanted.ports], ports[wanted.ports :]
        left = left - wanted
        found.append((wanted, mine))
    return found


@given(offered(), st.data())
def test_tasks_that_fit_get_exactly_what_they_want_of_what_was_offered(
    entries: list[dict[str, Any]], data: st.DataObject
) -> None:
    whole, ranges = amounts(entries)
    ports = [port for part in ranges for port in range(part.first, part.last + 1)]
    pool = Pool(entries)
    taken: list[dict[str, Any]] = []
    for wanted, mine in data.draw(parts(whole, ports)):
        cut = pool.cut(wanted, mine)
        assert cut is not None
        got, _ = amounts(cut)
        assert got == wanted
        taken += cut
    assert by_owner(taken) <= by_owner(entries)


@given(offered(), st.data())
def test_the_reserved_goes_first(entries: list[dict[str, Any]], data: st.DataObject) -> None:
    whole, _ = amounts(entries)
    wanted = data.draw(st.integers(0, whole.cpus))
    cut = Pool(entries).cut(Resources(cpus=wanted))
    assert cut is not None
    reserved = amounts([entry for entry in entries if entry.get("reservations")])[0].cpus
    got = amounts([entry for entry in cut if entry.get("reservations")])[0].cpus
    assert got == min(wanted, reserved)


@given(offered(), st.sampled_from(sorted(UNITS)), st.integers(1, 10**6))
def test_of_what_lacks_something_nothing_is_taken(
    entries: list[dict[str, Any]], name: str, more: int
) -> None:
    whole, ranges = amounts(entries)
    ports = [port for part in ranges for port in range(part.first, part.last + 1)]
    pool = Pool(entries)
    assert pool.cut(replace(whole, **{name: getattr(whole, name) + more}), ports) is None
    assert pool.cut(whole, [*ports, 1]) is None
    everything = pool.cut(whole, ports)
    assert everything is not None
    assert amounts(everything)[0] == whole


def test_nothing_is_cut_for_nothing() -> None:
    assert Pool([]).cut(NOTHING) == []
