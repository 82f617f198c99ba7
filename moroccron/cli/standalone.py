"""`moroccron standalone`: agent, scheduler and web on this machine, kept alive by one small process.

Owns what must hold before anything starts: one standalone per work directory, a free port, fresh tables.
Loads none of what its children load.
"""

import errno
import os
import shutil
import socket
import subprocess
import sys

import click

from moroccron import settings as declared
from moroccron.bootstrap.embedded import count_jobs, evict_agent
from moroccron.cli import asking
from moroccron.cli.children import Child, Part, environment
from moroccron.cli.claim import Claim, Holder, Taken
from moroccron.cli.console import Console
from moroccron.cli.errors import Failure
from moroccron.cli.exit_codes import ExitCode
from moroccron.cli.options import with_settings
from moroccron.cli.supervisor import Supervisor
from moroccron.resources import examples_dir
from moroccron.settings import Settings

#: what the agent must know; the database's address, with its password, is not for it
_AGENT_SETTINGS = (
    "work_dir",
    "resources",
    "attributes",
    "hostname",
    "retention_days",
    "log_level",
)

#: seconds for which the children of a supervisor that died may still hold the port
_INHERITANCE_PATIENCE = 10.0


@click.command("standalone")
@with_settings(*(name for name in declared.names() if name not in declared.MESOS))
def command(settings: Settings) -> None:
    """Run all of moroccron on this machine until Ctrl-C.

    Jobs that run when it ends go on under the agent, and the next start picks them up; a second Ctrl-C ends
    them. The agent does not isolate jobs: they run as you, on this machine.
    """
    _demand_no_master(settings)
    claim = _claim(settings)
    _demand_port(settings, patient=claim.inherited)
    url = f"http://{settings.host}:{settings.port}/"
    claim.tell(Holder(os.getpid(), url))
    if _prepare_folder(settings):
        click.echo(f"{settings.dags} is new: the example DAGs are in it.")
    _upgrade_tables(settings)
    evict_agent(settings)
    code = _supervisor(settings).run()
    claim.release()
    raise click.exceptions.Exit(code)


def _demand_no_master(settings: Settings) -> None:
    if settings.master:
        raise Failure(
            "standalone brings an agent of its own, but the setting master names a Mesos master",
            code=ExitCode.USAGE,
            remedy="start `moroccron scheduler` and `moroccron web`, or leave out the setting master",
        )


def _claim(settings: Settings) -> Claim:
    try:
        return Claim(settings.work_dir)
    except Taken as taken:
        raise Failure(
            str(taken),
            code=ExitCode.ALREADY_RUNNING,
            remedy=f"use that one, or stop it first: kill {taken.holder.pid}"
            if taken.holder
            else "use that one, or give this one another --work-dir and --port",
        ) from taken
    except OSError as error:
        raise Failure(
            f"cannot use the work_dir {settings.work_dir}: {error.strerror}",
            code=ExitCode.USAGE,
            remedy="name a folder that you may write with --work-dir",
        ) from error


def _prepare_folder(settings: Settings) -> bool:
    """A folder that is not there yet is made with the examples in it, so that there is something to see.

    The answer tells whether it was made.
    """
    if settings.dags.exists():
        return False
    try:
        settings.dags.mkdir(parents=True)
        for example in sorted(examples_dir().glob("*.py")):
            shutil.copy(example, settings.dags)
    except OSError as error:
        raise Failure(
            f"cannot use the DAG folder {settings.dags}: {error.strerror}",
            code=ExitCode.USAGE,
            remedy="name another folder with --dags",
        ) from error
    return True


def _demand_port(settings: Settings, *, patient: bool) -> None:
    """Fail now rather than in a child, if the port is taken."""
    problem = _port_problem(settings)
    if problem is not None and problem.errno == errno.EADDRINUSE and patient:
        asking.await_value(
            lambda: not _port_problem(settings) or None, patience=_INHERITANCE_PATIENCE
        )
        problem = _port_problem(settings)
    if problem is None:
        return
    in_use = problem.errno == errno.EADDRINUSE
    raise Failure(
        f"port {settings.port} of {settings.host} is taken by another process"
        if in_use
        else f"cannot listen on port {settings.port} of {settings.host}: {problem.strerror}",
        code=ExitCode.PORT_IN_USE if in_use else ExitCode.USAGE,
        remedy="stop that process, or choose another port, for example --port "
        f"{settings.port + 1 if settings.port < 65535 else 8650}"
        if in_use
        else "choose another --host or --port",
    )


def _port_problem(settings: Settings) -> OSError | None:
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        return error
    return None


def _upgrade_tables(settings: Settings) -> None:
    """In a process of its own: this one is to stay small."""
    done = subprocess.run(
        [sys.executable, "-m", "moroccron.cli.main", "db", "upgrade"],
        env=environment(settings, declared.names()),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        click.echo(done.stderr, err=True, nl=False)
        raise click.exceptions.Exit(done.returncode)


def _supervisor(settings: Settings) -> Supervisor:
    everything = environment(settings, declared.names())
    return Supervisor(
        front=(
            Child(Part("web", ("web",), everything)),
            Child(Part("scheduler", ("scheduler",), everything)),
        ),
        agent=Child(
            Part(
                "agent",
                ("agent",),
                environment(settings, _AGENT_SETTINGS),
                log=settings.work_dir / "agent.log",
            )
        ),
        count_jobs=lambda: count_jobs(settings),
        voice=Console(settings),
    )
