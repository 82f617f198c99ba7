"""The executor process: the parent of all tasks, small enough to outlive everything else.

Owns the spawning, signalling and reaping of task processes, and the lines about it in their records. Knows
nothing of schedulers, offers or time limits: the agent tells it what to start and whom to signal. It is run
by its file's path, with the standard library alone, so that nothing else of the product is loaded into it.

    agent -> executor   {"spawn": [...]}   {"signal": [[task id, number], ...]}   {"quit": true}
    executor -> agent   {"running": [task id, ...]} once, then record lines with their task's id

Every line is appended to the task's record before the agent is told: whoever reads the record later knows
as much as the agent would have known.
"""

import contextlib
import errno
import json
import os
import pwd
import select
import signal
import socket
import subprocess
import sys
import time
from typing import Any

ORPHAN_PATIENCE = 30.0  #: seconds that an executor without tasks waits for an agent to come (back)
_CHUNK = 262_144
#: what Python ignores; a task gets the system's own behaviour back
_DEFAULT_SIGNALS = [signal.SIGPIPE, signal.SIGXFSZ]
_TICK = 1_000_000_000 // os.sysconf("SC_CLK_TCK")  #: nanoseconds
_OUTPUT = os.O_WRONLY | os.O_CREAT | os.O_APPEND


def stat_fields(pid: int) -> list[bytes] | None:
    """/proc/<pid>/stat from the third field (the state) on; None when there is no such process."""
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        text = os.read(fd, 4096)
    except OSError:
        return None
    finally:
        os.close(fd)
    return text[text.rindex(b")") + 2 :].split()


def ticks() -> int:
    """Now, on the clock and in the unit of a process's start time in its stat."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // _TICK


def boot_id() -> str:
    """The name of this run of the kernel: pids and start times mean nothing beyond it."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


def sessions() -> dict[int, list[int]]:
    """The processes of every session. A task is a session: its own process groups do not hide a child."""
    found: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (fields := stat_fields(int(name))):
            found.setdefault(int(fields[3]), []).append(int(name))
    return found


def signal_sessions(wanted: list[tuple[int, int]]) -> None:
    """Send signals to whole sessions, given by their leader's pid, with one look at the process table."""
    table = sessions()
    for leader, number in wanted:
        for pid in table.get(leader, ()):
            try:
                os.kill(pid, number)
            except (ProcessLookupError, PermissionError):
                continue


class _Task:
    __slots__ = ("id", "killed", "pid", "spec", "stages")

    def __init__(self, spec: dict[str, Any]) -> None:
        self.id: str = spec["id"]
        self.spec = spec
        self.stages: list[list[Any]] = spec["stages"]  #: [name, argv], the running one first
        self.pid = 0
        self.killed = False


class Executor:
    """A single-threaded loop over the agent's socket and the deaths of children."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._agent: socket.socket | None = None
        self._tasks: dict[str, _Task] = {}
        self._by_pid: dict[int, _Task] = {}
        self._input = b""
        self._output: list[bytes] = []
        self._signals: list[tuple[int, int]] = []
        self._quit = False
        self._boot = boot_id()
        self._environ = dict(os.environ)
        self._poll = select.poll()
        self._wake, wake_writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(wake_writer, warn_on_full_buffer=False)

    def run(self) -> None:
        """Serve until told to quit, or left alone, and no task is left."""
        self._listener.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: self._leave())
        self._poll.register(self._listener, select.POLLIN)
        self._poll.register(self._wake, select.POLLIN)
        while self._tasks or not self._quit:
            idle = not self._tasks and self._agent is None
            ready = self._poll.poll(ORPHAN_PATIENCE * 1000 if idle else None)
            if idle and not ready:
                return
            self._turn([fd for fd, _ in ready])

    def _leave(self) -> None:
        self._quit = True

    def _turn(self, ready: list[int]) -> None:
        if self._wake in ready:
            os.read(self._wake, 4096)
            self._reap()
        if self._agent is not None and self._agent.fileno() in ready:
            self._read(self._agent)
        if self._listener.fileno() in ready:
            self._accept()
        if self._signals:
            signal_sessions(self._signals)
            self._signals = []
        if self._output:
            self._flush()

    # ------------------------------------------------------------------ the agent

    def _accept(self) -> None:
        """The newest agent is the only one; an agent holds a lock, so the older one is dead."""
        connection, _ = self._listener.accept()
        if self._agent is not None:
            # Its last orders are in its tasks' records: the newer agent counts on them.
            self._agent.setblocking(False)
        while self._agent is not None:
            self._read(self._agent)
        self._agent = connection
        self._poll.register(connection, select.POLLIN)
        self._output = [json.dumps({"running": list(self._tasks)}).encode() + b"\n"]

    def _drop_agent(self) -> None:
        if self._agent is not None:
            self._poll.unregister(self._agent)
            self._agent.close()
        self._agent = None
        self._input = b""
        self._output = []

    def _read(self, agent: socket.socket) -> None:
        try:
            data = agent.recv(_CHUNK)
        except OSError:
            data = b""
        if not data:
            self._drop_agent()
            return
        *lines, self._input = (self._input + data).split(b"\n")
        for line in lines:
            self._obey(json.loads(line))

    def _obey(self, order: dict[str, Any]) -> None:
        for spec in order.get("spawn", ()):
            task = _Task(spec)
            self._tasks[task.id] = task
            self._begin_stage(task)
        for task_id, number in order.get("signal", ()):
            if (known := self._tasks.get(task_id)) is not None:
                known.killed = True
                self._signals.append((known.pid, number))
        if order.get("quit"):
            self._quit = True

    def _flush(self) -> None:
        """Blocking: an agent that does not read is an agent that is about to die, and then this fails.

        A failure is no matter: the records hold what it would have said, and what the agent said before it
        left is still to be read.
        """
        if self._agent is not None:
            with contextlib.suppress(OSError):
                self._agent.sendall(b"".join(self._output))
        self._output = []

    # ------------------------------------------------------------------ processes

    def _begin_stage(self, task: _Task) -> None:
        name, argv = task.stages[0]
        before = ticks()
        try:
            task.pid = self._spawn(task.spec, argv)
        except (OSError, KeyError, TypeError, ValueError) as error:
            self._end(
                task, _failure_code(error), {"stage": name, "error": _explain(argv[0], error)}
            )
            return
        self._by_pid[task.pid] = task
        self._say(
            task,
            {
                "what": "spawned",
                "at": time.time(),
                "stage": name,
                "pid": task.pid,
                # Not read from /proc: right after its birth a process keeps readers waiting.
                "start": before,
                "start_by": ticks(),
                "boot": self._boot,
            },
        )

    def _spawn(self, spec: dict[str, Any], argv: list[str]) -> int:
        sandbox = spec["sandbox"]
        environ = self._environ | spec["env"]
        out, err = f"{sandbox}/stdout", f"{sandbox}/stderr"
        if spec.get("user"):
            return _spawn_as(spec["user"], argv, environ, sandbox, out, err)
        os.chdir(sandbox)
        return os.posix_spawn(
            _program(argv[0], environ),
            argv,
            environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, out, _OUTPUT, 0o644),
                (os.POSIX_SPAWN_OPEN, 2, err, _OUTPUT, 0o644),
            ],
            setsid=True,
            setsigmask=[],
            setsigdef=_DEFAULT_SIGNALS,
        )

    def _reap(self) -> None:
        """Collect every child that ended, and end what it left behind in its group or session.

        The dead leader is looked at first and collected last: until then its pid, and so the number of its
        group and session, cannot be given to a stranger.
        """
        while True:
            try:
                dead = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if dead is None:
                return
            self._clear_away(dead.si_pid)
            _, status = os.waitpid(dead.si_pid, 0)
            task = self._by_pid.pop(dead.si_pid, None)
            if task is not None:
                self._stage_over(task, os.waitstatus_to_exitcode(status))

    def _clear_away(self, pid: int) -> None:
        task = self._by_pid.get(pid)
        if task is None:
            return
        if task.killed:
            signal_sessions([(pid, signal.SIGKILL)])
        try:
            os.killpg(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return

    def _stage_over(self, task: _Task, code: int) -> None:
        stage = task.stages.pop(0)[0]
        if code == 0 and task.stages and not task.killed:
            self._begin_stage(task)
            return
        detail: dict[str, Any] = {"stage": stage}
        if code < 0:
            detail["signal"] = -code
        self._end(task, code if code >= 0 else 128 - code, detail)

    def _end(self, task: _Task, code: int, detail: dict[str, Any]) -> None:
        del self._tasks[task.id]
        self._say(task, {"what": "ended", "at": time.time(), "exit_code": code, **detail})

    def _say(self, task: _Task, line: dict[str, Any]) -> None:
        text = json.dumps(line).encode()
        _append(task.spec["record"], text)
        if self._agent is not None:
            name = json.dumps(task.id).encode()
            self._output.append(b'{"id": ' + name + b", " + text[1:] + b"\n")


def write_all(fd: int, data: bytes) -> None:
    """A disk that is nearly full takes a part and no more: the next write then says why."""
    while data:
        data = data[os.write(fd, data) :]


def _append(path: str, text: bytes) -> None:
    """One write if the disk lets us, so that a reader and a killer find the whole line or nothing of it.

    It begins with a line feed too: a line that a full disk tore must not spoil the next.
    """
    try:
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    except OSError as error:
        print(f"cannot write {path}: {error}", file=sys.stderr, flush=True)
        return
    try:
        write_all(fd, b"\n" + text + b"\n")
    except OSError as error:
        print(f"cannot write {path}: {error}", file=sys.stderr, flush=True)
    finally:
        os.close(fd)


def _program(name: str, environ: dict[str, str]) -> str:
    """Where the program is, by the task's own PATH; a name with a slash counts from the sandbox."""
    if "/" in name:
        return name
    for folder in environ.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(folder or ".", name)
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def _spawn_as(
    user: str, argv: list[str], environ: dict[str, str], sandbox: str, out: str, err: str
) -> int:
    """Start under another user; posix_spawn cannot. The output files are opened as us, in a folder of theirs."""
    entry = pwd.getpwnam(user)
    environ = {**environ, "USER": user, "LOGNAME": user, "HOME": entry.pw_dir}
    with open(out, "ab") as stdout, open(err, "ab") as stderr:
        for place in (sandbox, stdout.fileno(), stderr.fileno()):
            os.chown(place, entry.pw_uid, entry.pw_gid)
        process = subprocess.Popen(
            argv,
            executable=_program(argv[0], environ),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            cwd=sandbox,
            env=environ,
            start_new_session=True,
            user=entry.pw_uid,
            group=entry.pw_gid,
            extra_groups=os.getgrouplist(user, entry.pw_gid),
        )
    process.returncode = 0  # we collect it ourselves; subprocess must not
    return process.pid


def _failure_code(error: Exception) -> int:
    """A shell's words for it: 127 when there is no such program, 126 when it cannot be run."""
    return 127 if isinstance(error, FileNotFoundError) else 126


def _explain(program: str, error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"cannot start the command: {error.args[0]}"
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"cannot start {program}: {reason}"


def _heed_all_signals() -> None:
    """What whoever started us ignored (a shell, nohup), tasks would ignore as well."""
    for number in signal.valid_signals():
        if signal.getsignal(number) is signal.SIG_IGN and number not in _DEFAULT_SIGNALS:
            signal.signal(number, signal.SIG_DFL)


def main() -> None:
    """The agent hands over the listening socket as the file descriptor named in the only argument."""
    _heed_all_signals()
    with socket.socket(fileno=int(sys.argv[1])) as listener:
        listener.set_inheritable(False)
        Executor(listener).run()


if __name__ == "__main__":
    main()
