"""The embedded agent seen from outside, without loading it: is there one, what does it run, make room."""

import os
import select
import signal
import socket
import struct

from moroccron.adapters.local import paths
from moroccron.adapters.local.paths import WorkDir
from moroccron.adapters.local.records import Records
from moroccron.settings import Settings

_OVER = ("ended", "verdict")
_CREDENTIALS = struct.Struct("3i")  #: pid, uid, gid, as the kernel gives them
_LEAVE_MS = 5000


def find_agent(settings: Settings) -> int | None:
    """The process that listens on the agent's socket; None when nobody does."""
    try:
        with paths.connect(WorkDir(settings.work_dir).agent_socket) as connection:
            found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    except OSError:
        return None
    pid: int = _CREDENTIALS.unpack(found)[0]
    return pid


def evict_agent(settings: Settings) -> int | None:
    """End an agent that was left behind, at once, and only it: its jobs go on, and the next agent finds them.

    It may be about to end with the last of them, or hold other resources than are set now. Returns its pid.
    """
    pid = find_agent(settings)
    if pid is None:
        return None
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return pid
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        gone = select.poll()
        gone.register(descriptor, select.POLLIN)
        gone.poll(_LEAVE_MS)
    finally:
        os.close(descriptor)
    return pid


def count_jobs(settings: Settings) -> int:
    """How many jobs run under the agent, by their records."""
    if not WorkDir(settings.work_dir).live.is_dir():
        return 0
    records = Records(WorkDir(settings.work_dir))
    return sum(not any(line.get("what") in _OVER for line in lines) for _, lines in records.live())
