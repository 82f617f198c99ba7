"""moroccron at work on the test cluster: its DAGs, database and candidates, and what jobs themselves wrote.

The witness is one file to which each job appends its lines, each by one write: what really ran, whoever
believes what.
"""

import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from moroccron.adapters.sql.commands import SqlCommands
from moroccron.adapters.sql.engine import open_engine
from moroccron.adapters.sql.queries import SqlQueries
from moroccron.model.command import Answer, Intent, TriggerRun
from moroccron.model.run import Attempt, Run
from moroccron.model.states import RunState
from tests.cluster.engine import PROGRAM, Moroccron
from tests.cluster.mesos import Master
from tests.waiting import until

ROOT = Path(__file__).parents[2]

#: appended by a job when it begins; `end` is the same at its end
BEGIN = 'echo "begin $MOROCCRON_JOB $MOROCCRON_TASK_ID" >> {witness}'
END = 'echo "end $MOROCCRON_JOB $MOROCCRON_TASK_ID" >> {witness}'


class Candidate(Moroccron):
    """A scheduler. `environ` is of its settings; what it says is in its log."""

    def __init__(
        self,
        name: str,
        folder: Path,
        words: Sequence[str],
        environ: Mapping[str, str],
        *,
        program: str = str(PROGRAM),
    ) -> None:
        super().__init__(name, folder, words)
        self._program = program
        self._environ = dict(environ)

    def command(self) -> list[str]:
        return [self._program, *self._words]

    def environ(self) -> Mapping[str, str]:
        return self._environ

    def says(self, words: str, patience: float = 20.0) -> None:
        """Wait until its log holds these words."""
        until(lambda: words in self.log.read_text(errors="replace"), f"{words!r}", patience)

    def code(self, patience: float = 30.0) -> int:
        """How it ended, by itself."""
        assert self._process is not None
        return self._process.wait(patience)


class Site:
    """`dags`: their text, where BEGIN and END stand for the lines of the witness."""

    def __init__(
        self, folder: Path, master: Master, url: str, dags: str, *, election: str = "sql"
    ) -> None:
        self.folder = folder
        self.master = master
        self.witness = folder / "witness"
        (folder / "dags").mkdir(parents=True)
        lines = {"BEGIN": BEGIN, "END": END}
        for word, line in lines.items():
            dags = dags.replace(f"<{word}>", line.format(witness=self.witness))
        (folder / "dags" / "all.py").write_text(dags)
        self.settings = {
            "MOROCCRON_DATABASE": url,
            "MOROCCRON_DAGS": str(folder / "dags"),
            "MOROCCRON_LOG_LEVEL": "info",
            "MOROCCRON_MASTER": master.address,
            "MOROCCRON_ELECTION": election,
            "MOROCCRON_LAUNCH_GRACE": "5",
        }
        self.engine = open_engine(url)
        self.queries = SqlQueries(self.engine)
        self.commands = SqlCommands(self.engine)
        self.candidates: list[Candidate] = []

    def candidate(self, *words: str, **settings: str) -> Candidate:
        """Begin a scheduler; returns at once. `settings` by their names."""
        name = f"scheduler-{len(self.candidates) + 1}"
        folder = self.folder / name
        own = {f"MOROCCRON_{key.upper()}": value for key, value in settings.items()}
        environ = self.settings | {"MOROCCRON_WORK_DIR": str(folder / "work")} | own
        made = Candidate(name, folder, ["scheduler", *words], environ)
        self.candidates.append(made)
        made.start(wait=False)
        return made

    def doomed(self, point: str, times: int) -> Candidate:
        """Begin a scheduler that dies at a crash point."""
        name = f"scheduler-{len(self.candidates) + 1}"
        folder = self.folder / name
        environ = self.settings | {
            "MOROCCRON_WORK_DIR": str(folder / "work"),
            "PYTHONPATH": str(ROOT),
        }
        words = ["-m", "tests.cluster.crashing", point, str(times)]
        made = Candidate(name, folder, words, environ, program=sys.executable)
        self.candidates.append(made)
        made.start(wait=False)
        return made

    def leader(self) -> Candidate:
        """The candidate that took the newest term."""
        row = until(self.queries.leader, "somebody leads")
        pid = int(row.holder.rpartition(":")[2])
        return next(c for c in self.candidates if c.running and c.pid == pid)

    def ask(self, intent: Intent) -> Answer:
        number = self.commands.submit(intent, "test")
        return until(lambda: self.queries.answer(number), "an answer", 30)

    def trigger(self, dag_id: str) -> str:
        """Begin a run; its id."""
        until(
            lambda: any(d.state.dag_id == dag_id for d in self.queries.dags()),
            f"{dag_id} is stored",
        )
        return self.ask(TriggerRun(dag_id)).detail

    def run(self, run_id: str) -> Run:
        return self.queries.run(run_id)

    def await_end(self, run_id: str, patience: float = 60.0) -> Run:
        until(lambda: self.run(run_id).state.is_terminal, f"{run_id} is over", patience)
        return self.run(run_id)

    def await_success(self, run_id: str, patience: float = 60.0) -> None:
        run = self.await_end(run_id, patience)
        failed = [a for a in self.queries.attempts(run_id) if a.message]
        assert run.state is RunState.SUCCEEDED, failed

    def attempts(self, run_id: str, job_id: str | None = None) -> Sequence[Attempt]:
        return self.queries.attempts(run_id, job_id)

    def lines(self, kind: str = "begin") -> list[str]:
        """The jobs that wrote such a line, in order."""
        if not self.witness.exists():
            return []
        found = [line.split() for line in self.witness.read_text().splitlines()]
        return [words[1] for words in found if words[0] == kind]

    def tasks(self, kind: str = "begin") -> list[str]:
        """The same, as `run@job`, whichever attempt it was."""
        if not self.witness.exists():
            return []
        found = [line.split() for line in self.witness.read_text().splitlines()]
        return [words[2].rpartition("@")[0] for words in found if words[0] == kind]

    def assert_each_once(self, jobs: int) -> None:
        """Every job began once and ended once, by its own word."""
        for kind in ("begin", "end"):
            told = Counter(self.lines(kind))
            assert not [job for job, times in told.items() if times > 1], kind
            assert len(told) == jobs, kind

    def await_quiet(self, patience: float = 30.0) -> None:
        """Until the master knows of nothing of ours that runs or waits for an acknowledgement."""

        def alive() -> list[str]:
            return [t["id"] for f in self.master.records.frameworks() for t in f["tasks"]]

        until(lambda: not alive(), "every task ended, every update acknowledged", patience)

    def framework_id(self) -> str:
        (framework,) = self.master.records.frameworks()
        return str(framework["id"])

    def cli(self, *words: str, timeout: float = 60) -> "subprocess.CompletedProcess[str]":
        environ = dict(self.settings) | {"MOROCCRON_WORK_DIR": str(self.folder / "work")}
        return subprocess.run(
            ["/usr/bin/env", *[f"{k}={v}" for k, v in environ.items()], str(PROGRAM), *words],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def close(self) -> None:
        for candidate in self.candidates:
            candidate.end()
        self.engine.dispose()
