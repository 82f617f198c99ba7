"""Resources and attributes as Mesos writes them."""

from pathlib import Path

import pytest

from moroccron.adapters.local.notation import (
    BadNotation,
    Holding,
    of_this_machine,
    parse_attributes,
    parse_resources,
)
from moroccron.model.offer import PortRange
from moroccron.model.resources import Resources

DEFAULT = Holding(Resources(cpus=2000, mem=100, disk=50, ports=2), (PortRange(1, 2),))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", DEFAULT.resources),
        ("cpus:8", Resources(8000, 100, 50, 0, 2)),
        ("cpus:0.125; mem:4096 ;disk:10000;gpus:1;", Resources(125, 4096, 10000, 1, 2)),
        ("ports:[31000-31100]", Resources(2000, 100, 50, 0, 101)),
        ("mem:0;ports:[5-5, 10-11]", Resources(2000, 0, 50, 0, 3)),
    ],
)
def test_resources(text, expected):
    assert parse_resources(text, DEFAULT).resources == expected


def test_ports_are_sorted():
    parsed = parse_resources("ports:[30-40,10-20]", DEFAULT)
    assert parsed.ports == (PortRange(10, 20), PortRange(30, 40))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("cpus", "'cpus'"),
        ("cpus:", "'cpus:'"),
        ("cpus:x", "'x'"),
        ("cpus:-1", "'-1'"),
        ("cpus:0.0001", "'0.0001'"),
        ("cpus:inf", "'inf'"),
        ("cpus:nan", "'nan'"),
        ("mem:1.5", "'1.5'"),
        ("memory:1", "memory"),
        ("cpus:1;cpus:2", "twice"),
        ("ports:31000-32000", "31000-32000"),
        ("ports:[2-1]", "2-1"),
        ("ports:[1-65536]", "1-65536"),
        ("ports:[1-10,10-20]", "overlap"),
        ("ports:[]", "no range"),
    ],
)
def test_nonsense_is_named(text, named):
    with pytest.raises(BadNotation, match=named.replace("[", r"\[")):
        parse_resources(text, DEFAULT)


def test_attributes():
    assert parse_attributes("rack:a; zone:z:1 ;") == {"rack": "a", "zone": "z:1"}
    assert parse_attributes("") == {}


def test_this_machine_has_something(tmp_path: Path):
    holding = of_this_machine(tmp_path)
    assert min(holding.resources.cpus, holding.resources.mem, holding.resources.disk) > 0
    assert holding.resources.ports == 1001
