"""One standalone per work directory: a lock that dies with its holder, and who that is."""

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path

from moroccron.model.errors import MoroccronError

_NAME = "standalone.lock"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who runs moroccron here."""

    pid: int
    url: str


class Taken(MoroccronError):
    """Another standalone runs in this work directory."""

    def __init__(self, holder: Holder | None) -> None:
        who = f"process {holder.pid}, {holder.url}" if holder else "another process"
        super().__init__(f"moroccron already runs here: {who}")
        self.holder = holder


class Claim:
    """The lock, held until `release` or the end of the process. `inherited`: the last holder died."""

    def __init__(self, work_dir: Path) -> None:
        work_dir.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(work_dir / _NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        before = self._read()
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise Taken(before) from None
        self.inherited = before is not None

    def tell(self, holder: Holder) -> None:
        """Say who holds it, for those who come later."""
        self._write(json.dumps({"pid": holder.pid, "url": holder.url}).encode())

    def release(self) -> None:
        """An orderly end: nothing of ours runs any more."""
        self._write(b"")
        os.close(self._descriptor)

    def _write(self, content: bytes) -> None:
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, content, 0)

    def _read(self) -> Holder | None:
        try:
            said = json.loads(os.pread(self._descriptor, 4096, 0))
            return Holder(int(said["pid"]), str(said["url"]))
        except (ValueError, KeyError, TypeError):
            return None
