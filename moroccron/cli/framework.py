"""`moroccron framework show`: what is known of us as a framework, here and at the master."""

import click

from moroccron.bootstrap.framework import FrameworkDesk, Sight, Standing
from moroccron.cli.errors import Failure
from moroccron.cli.exit_codes import ExitCode
from moroccron.cli.options import STORE, json_option, with_settings
from moroccron.cli.output import emit_json, escape, say
from moroccron.settings import TRUST, Settings

OF_MESOS = ("master", "election", "framework_name", *TRUST)
_LIVE = ("TASK_STAGING", "TASK_STARTING", "TASK_RUNNING", "TASK_KILLING", "TASK_UNREACHABLE")


@click.command("show")
@with_settings(*OF_MESOS, *STORE)
@json_option
def show_framework(as_json: bool, settings: Settings) -> None:
    """Show under which id Mesos knows this moroccron, and what it says of it."""
    desk = FrameworkDesk(settings)
    standing = desk.standing()
    sight = desk.sight(known_id(standing))
    if as_json:
        emit_json(_state(standing, sight))
    else:
        _print(standing, sight)


def _state(standing: Standing, sight: Sight) -> dict[str, object]:
    record = sight.record or {}
    return {
        "framework_id": known_id(standing),
        "id_in_zookeeper": standing.mirrored,
        "name": record.get("name"),
        "known": sight.record is not None,
        "removed": sight.removed,
        "connected": sight.alive and bool(record.get("connected")),
        "roles": list(record.get("roles", ())),
        "live_tasks": _live_tasks(sight),
        "live_attempts": standing.live,
        "awaited_agents": list(sight.awaited),
    }


def known_id(standing: Standing) -> str:
    """The database's, or what ZooKeeper holds although the database has none."""
    framework_id = standing.stored or standing.mirrored
    if framework_id is None:
        raise Failure(
            "no scheduler of this database has subscribed to a cluster yet",
            code=ExitCode.NOT_FOUND,
        )
    return framework_id


def _print(standing: Standing, sight: Sight) -> None:
    _line("framework", known_id(standing))
    if standing.mirrored not in (None, standing.stored):
        _line("in ZooKeeper", f"{standing.mirrored}, in the database {standing.stored or 'none'}")
    if sight.record is None:
        _line("state", "unknown to the master: no scheduler has subscribed since it began")
    else:
        _line("name", sight.record["name"])
        _line("roles", ", ".join(sight.record.get("roles", ())))
        _line("state", _condition(sight))
        _line("live tasks", str(_live_tasks(sight)))
    _line("live attempts", f"{standing.live}, by the database")
    if sight.awaited:
        hosts = ", ".join(sight.awaited)
        _line("not heard of", f"agents that the master knew before it began: {hosts}")


def _line(name: str, value: str) -> None:
    say(f"{name:<13} {escape(value)}")


def _condition(sight: Sight) -> str:
    if sight.removed:
        return "removed"
    connected = sight.record is not None and sight.record.get("connected")
    return "connected" if connected else "not connected"


def _live_tasks(sight: Sight) -> int:
    tasks = sight.record.get("tasks", ()) if sight.record and sight.alive else ()
    return sum(task["state"] in _LIVE for task in tasks)
