"""Processes that are not our children any more: found, watched and signalled without mistaking them.

A pid alone proves nothing, it may have been given to another process since. With the start time and the
kernel's boot id it names one process for ever.
"""

import os
import select
import signal

from moroccron.adapters.local.executor import boot_id, sessions, signal_sessions, stat_fields
from moroccron.adapters.local.task import Process

TASK_ID = "MESOS_TASK_ID"  #: the environment variable by which a task's processes are known
_DEAD = (b"Z", b"X")


def is_alive(process: Process) -> bool:
    """Whether this very process runs still."""
    if process.boot != boot_id():
        return False
    fields = stat_fields(process.pid)
    if fields is None or fields[0] in _DEAD:
        return False
    return process.start <= int(fields[19]) <= process.start_by


def watch(process: Process) -> int | None:
    """A file descriptor that becomes readable when the process ends; None when it has ended."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except (ProcessLookupError, PermissionError):
        return None
    # Looked at after opening: now the descriptor cannot change hands any more.
    if is_alive(process) and not select.select([descriptor], [], [], 0)[0]:
        return descriptor
    os.close(descriptor)
    return None


def signal_all(process: Process, number: int) -> None:
    """Signal the whole session of a task whose leader runs still."""
    if is_alive(process):
        signal_sessions([(process.pid, number)])


def clear_away(process: Process, task_id: str) -> None:
    """End what a dead leader left behind in its session. Only what carries the task's id is the task's."""
    for pid in sessions().get(process.pid, ()):
        if _mark(task_id) in _environ(str(pid)):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def find(task_id: str) -> Process | None:
    """The leader of a task's session, by the environment it was given."""
    mark = _mark(task_id)
    for name in os.listdir("/proc"):
        if not name.isdigit() or (fields := stat_fields(int(name))) is None:
            continue
        if fields[0] not in _DEAD and fields[3] == name.encode() and mark in _environ(name):
            start = int(fields[19])
            return Process(int(name), start, start, boot_id())
    return None


def _mark(task_id: str) -> bytes:
    return f"{TASK_ID}={task_id}".encode()


def _environ(name: str) -> list[bytes]:
    try:
        with open(f"/proc/{name}/environ", "rb") as file:
            return file.read().split(b"\0")
    except OSError:
        return []
