"""A PostgreSQL server that can be killed, frozen and begun again over the same data."""

import os
import shlex
import signal
from pathlib import Path

import psycopg

from tests.cluster.process import ClusterProcess, stat_of, state_of
from tests.plugins.databases import SERVER_SETTINGS, PostgresServer, Program, find_program
from tests.waiting import until


class Postmaster(ClusterProcess):
    """The server itself: a child of ours, not pg_ctl's, so that nothing of it stays when it is killed."""

    def __init__(self, program: str, folder: Path, user: str | None, *, tied: bool) -> None:
        super().__init__("postgresql", folder, tied=tied, user=user)
        self._program = program

    def command(self) -> list[str]:
        where = ["-D", str(self.folder / "data"), "-k", str(self.folder)]
        # Each commit is written when it is answered, though not synced: it survives a kill -9.
        return [self._program, *where, *shlex.split(SERVER_SETTINGS), "-c", "synchronous_commit=on"]

    def healthy(self) -> bool:
        try:
            url = f"postgresql://moroccron@/postgres?host={self.folder}"
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def end(self) -> None:
        if self.running:
            self.kill(signal.SIGQUIT)  # of all its processes, at once

    def members(self) -> list[int]:
        """It and its children: one for each connection and several of its own."""
        processes = (int(entry.name) for entry in Path("/proc").glob("[0-9]*"))
        return [self.pid, *(pid for pid in processes if stat_of(pid)[1:2] == [str(self.pid)])]


class MortalPostgres(PostgresServer):
    def __init__(self, program: Program, *, tied: bool = True) -> None:
        super().__init__(program)
        self.process = Postmaster(program("postgres"), self._folder, self._user, tied=tied)

    def begin(self) -> None:
        self.process.start()

    def stop(self) -> None:
        self.resume()
        self.process.end()

    def kill(self) -> None:
        """kill -9 of all its processes; whoever is connected hears that it is gone."""
        children = self.process.members()[1:]
        self.process.kill()
        _signal(children, signal.SIGKILL)
        until(lambda: all(state_of(pid) in (None, "Z") for pid in children), "PostgreSQL is dead")

    def restart(self) -> None:
        self.kill()
        self.begin()

    def pause(self) -> None:
        """Freeze it: connections stay, nothing is answered."""
        members = self.process.members()
        _signal(members, signal.SIGSTOP)
        until(lambda: {state_of(pid) for pid in members} <= {"T", "Z", None}, "it is frozen")

    def resume(self) -> None:
        if self.process.running:
            _signal(self.process.members(), signal.SIGCONT)


def _signal(members: list[int], number: int) -> None:
    for pid in members:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def why_not() -> str | None:
    """Why there can be no PostgreSQL here; None when there can."""
    if find_program("initdb") is None or find_program("postgres") is None:
        return "initdb and postgres are not here: install the package `postgresql`"
    return None


def server(*, tied: bool = True) -> MortalPostgres:
    return MortalPostgres(lambda name: find_program(name) or name, tied=tied)
