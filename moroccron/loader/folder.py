"""What lies in a DAG folder, and what changed in it. Looks at names and stat only, never into a file."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_IGNORED = frozenset({"__pycache__"})


class Signature(NamedTuple):
    """Changes when a file does."""

    mtime_ns: int
    size: int
    inode: int


Scan = dict[str, Signature]  #: by path, relative to the folder


def scan(root: Path) -> Scan:
    """Every regular file below the folder but hidden ones; links to files are followed, to folders are not."""
    return dict(_walk(str(root), ""))


def _walk(folder: str, prefix: str) -> Iterator[tuple[str, Signature]]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return  # gone meanwhile, or not for us to see
    for entry in entries:
        if entry.name.startswith(".") or entry.name in _IGNORED:
            continue
        try:
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(entry.path, f"{prefix}{entry.name}/")
                continue
            found = entry.stat()
        except OSError:
            continue
        if stat.S_ISREG(found.st_mode):
            signature = Signature(found.st_mtime_ns, found.st_size, found.st_ino)
            yield prefix + entry.name, signature


def is_dag_file(path: str) -> bool:
    """A `.py` of which neither the name nor a folder above begins with `_`: those are for helpers."""
    return path.endswith(".py") and not any(part.startswith("_") for part in path.split("/"))


class Difference(NamedTuple):
    """Paths that came, changed and went between two scans."""

    added: frozenset[str]
    changed: frozenset[str]
    removed: frozenset[str]

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)

    @property
    def touched(self) -> frozenset[str]:
        return self.added | self.changed | self.removed


def difference(before: Scan, after: Scan) -> Difference:
    """What happened between two scans."""
    changed = (
        path for path, signature in after.items() if before.get(path, signature) != signature
    )
    return Difference(
        added=frozenset(after.keys() - before.keys()),
        changed=frozenset(changed),
        removed=frozenset(before.keys() - after.keys()),
    )


def looks_half_done(before: Scan, after: Scan) -> bool:
    """A DAG file vanished or is empty: what an editor leaves for a moment while it saves."""
    found = difference(before, after)
    gone = any(is_dag_file(path) for path in found.removed)
    return gone or any(is_dag_file(path) and after[path].size == 0 for path in found.changed)
