"""`moroccron framework show|teardown`: the only place from which a framework is ever ended."""

import getpass
import socket

import click

from moroccron.bootstrap.framework import FrameworkDesk
from moroccron.cli.errors import Failure
from moroccron.cli.exit_codes import ExitCode
from moroccron.cli.options import STORE, json_option, with_settings
from moroccron.cli.output import emit_json, escape, say
from moroccron.settings import TRUST, Settings

_MESOS = ("master", "election", "framework_name", *TRUST)
_LIVE = ("TASK_STAGING", "TASK_STARTING", "TASK_RUNNING", "TASK_KILLING", "TASK_UNREACHABLE")


@click.command("show")
@with_settings(*_MESOS, *STORE)
@json_option
def show_framework(as_json: bool, settings: Settings) -> None:
    """Show under which id Mesos knows this moroccron, and what it says of it."""
    desk = FrameworkDesk(settings)
    framework_id = _known_id(desk)
    record = desk.record(framework_id)
    roles = list(record.get("roles", ())) if record else []
    ended = record is not None and bool(record.get("unregistered_time"))
    state = {
        "framework_id": framework_id,
        "name": record["name"] if record else None,
        "known": record is not None,
        "removed": ended,
        "connected": bool(record and record.get("connected") and not ended),
        "roles": roles,
        "live_tasks": _live_tasks(record) if record and not ended else 0,
    }
    if as_json:
        emit_json(state)
        return
    say(f"framework  {escape(framework_id)}")
    if record is None:
        say("The master knows nothing of it: no scheduler has subscribed since the master began.")
        return
    say(f"name       {escape(record['name'])}")
    say(f"roles      {escape(', '.join(roles))}")
    condition = "connected" if state["connected"] else "not connected"
    say(f"state      {'removed' if ended else condition}")
    say(f"live tasks {state['live_tasks']}")


@click.command("teardown")
@click.argument("name", metavar="NAME")
@with_settings(*_MESOS, *STORE)
def teardown(name: str, settings: Settings) -> None:
    """End the framework called NAME at Mesos: all its jobs are killed, and its id is never used again.

    NAME must be the framework's name as it is set (framework_name), so that nobody ends another by mistake.
    Stop the schedulers first: one that is started later begins anew, and repeats the jobs of runs that
    were not over.
    """
    if name != settings.framework_name:
        raise Failure(
            f"the framework is not called {name}",
            code=ExitCode.USAGE,
            remedy="see `moroccron framework show` for what there is, and write its name",
        )
    desk = FrameworkDesk(settings)
    framework_id = _known_id(desk)
    record = desk.record(framework_id)
    if record is not None and record["name"] != name:
        raise Failure(
            f"the master knows {framework_id} as {record['name']}, not as {name}",
            code=ExitCode.REFUSED,
            remedy="look at the settings database and framework_name",
        )
    alive = desk.end(framework_id, f"teardown:{getpass.getuser()}@{socket.gethostname()}")
    say(
        f"The framework {escape(framework_id)} is torn down: its jobs are killed."
        if alive
        else f"The master had no framework {escape(framework_id)} any more; its id is forgotten here, too."
    )


def _known_id(desk: FrameworkDesk) -> str:
    framework_id = desk.framework_id()
    if framework_id is None:
        raise Failure(
            "no scheduler of this database has subscribed to a cluster yet",
            code=ExitCode.NOT_FOUND,
        )
    return framework_id


def _live_tasks(record: object) -> int:
    tasks = record.get("tasks", ()) if isinstance(record, dict) else ()
    return sum(task["state"] in _LIVE for task in tasks)
