"""`moroccron framework teardown`: the only place from which a framework is ever ended.

It is refused as long as somebody might regret it: another name, another database, jobs that run, a master that does
not know everything yet. What is asked for in words of its own (--kill-jobs, --forget) is meant.
"""

import getpass
import socket

import click

from moroccron.bootstrap.framework import FrameworkDesk, Sight, Standing
from moroccron.cli.errors import Failure
from moroccron.cli.exit_codes import ExitCode
from moroccron.cli.framework import OF_MESOS, known_id
from moroccron.cli.options import STORE, with_settings
from moroccron.cli.output import escape, say
from moroccron.settings import Settings


@click.command("teardown")
@click.argument("name", metavar="NAME")
@click.option("--kill-jobs", is_flag=True, help="Although jobs run: they are killed.")
@click.option(
    "--forget",
    is_flag=True,
    help="Only forget the id here, of a cluster that is no more. Refused if a master still knows it.",
)
@with_settings(*OF_MESOS, *STORE)
def teardown(name: str, kill_jobs: bool, forget: bool, settings: Settings) -> None:
    """End the framework called NAME at Mesos: its jobs are killed, and its id is never used again.

    NAME must be the framework's name as it is set (framework_name), so that nobody ends another by mistake.
    Stop the schedulers first: one that is started later begins anew, and repeats the jobs of runs that
    were not over. May be called again when it was interrupted.
    """
    if name != settings.framework_name:
        raise Failure(
            f"the framework is not called {name}",
            code=ExitCode.USAGE,
            remedy="see `moroccron framework show` for what there is, and write its name",
        )
    desk = FrameworkDesk(settings)
    standing = desk.standing()
    if forget:
        _forget(desk, standing)
    else:
        _end(desk, standing, name, kill_jobs)


def _forget(desk: FrameworkDesk, standing: Standing) -> None:
    ids = sorted({id for id in (standing.stored, standing.mirrored) if id} or {known_id(standing)})
    for framework_id in ids:
        sight = desk.sight_if_any(framework_id)
        if sight is not None:
            _demand_all_agents(sight)
        if sight is not None and sight.alive:
            raise _refused(
                f"the master knows the framework {framework_id}, so its cluster is still there",
                "end it without --forget",
            )
    desk.forget(_holder())
    say(f"Forgotten here: {escape(', '.join(ids))}. The next scheduler begins a new framework.")


def _end(desk: FrameworkDesk, standing: Standing, name: str, kill_jobs: bool) -> None:
    framework_id = known_id(standing)
    _demand_one_id(standing)
    sight = desk.sight(framework_id)
    if sight.record is not None and sight.record["name"] != name:
        raise _refused(
            f"the master knows {framework_id} as {sight.record['name']}, not as {name}",
            "look at the settings database and framework_name",
        )
    if standing.stored is None and sight.alive:
        raise _refused(
            f"the database knows of no framework, but ZooKeeper holds {framework_id}, which lives at the master",
            "most likely this is not the database that it belongs to: look at the setting database",
        )
    _demand_all_agents(sight)
    if standing.live and not (kill_jobs or sight.removed):
        raise _refused(
            f"by the database {standing.live} attempts may be running",
            "kill their runs first (`moroccron runs kill RUN`), or add --kill-jobs: they are killed, and repeated "
            "by a scheduler that is started later",
        )
    torn = desk.end(framework_id, _holder())
    say(
        f"The framework {escape(framework_id)} is torn down: its jobs are killed."
        if torn
        else f"The master had no framework {escape(framework_id)} any more; its id is forgotten here, too."
    )


def _demand_one_id(standing: Standing) -> None:
    if standing.stored and standing.mirrored and standing.stored != standing.mirrored:
        raise _refused(
            f"the database says {standing.stored} and ZooKeeper {standing.mirrored}: one of them is not ours",
            "look at the settings database and election; if both frameworks are no more, add --forget",
        )


def _demand_all_agents(sight: Sight) -> None:
    if sight.awaited:
        raise _refused(
            f"the master began anew and has not heard of all its agents yet ({', '.join(sight.awaited)}): "
            "what runs there would run on",
            "try again when they are back, or when the master has given them up "
            "(its --agent_reregister_timeout, 10 minutes)",
        )


def _refused(message: str, remedy: str) -> Failure:
    return Failure(message, code=ExitCode.REFUSED, remedy=remedy)


def _holder() -> str:
    return f"teardown:{getpass.getuser()}@{socket.gethostname()}"
