"""What lies in a DAG folder, and what changed in it. Looks at names and stat only, never into a file."""

import os
import stat
from collections.abc import Iterator
from errno import ENOENT
from pathlib import Path
from typing import NamedTuple

_IGNORED = frozenset({"__pycache__"})


class Signature(NamedTuple):
    """Changes when a file does."""

    mtime_ns: int
    size: int
    inode: int


_UNSEEN = Signature(0, 1, 0)  #: of a file that we may not look at

Scan = dict[str, Signature]  #: by path, relative to the folder


def scan(root: Path) -> Scan:
    """Every regular file below the folder but hidden ones; links to files are followed, to folders are not.

    What cannot be looked at, such as a link to nothing, is there too: reading it will tell why. Raises OSError
    when that is the folder itself, or when it went while we looked: then nothing is known of its files.
    """
    before = root.stat()
    os.scandir(root).close()
    found = dict(_walk(str(root), ""))
    if root.stat().st_ino != before.st_ino:
        raise FileNotFoundError(ENOENT, os.strerror(ENOENT), str(root))
    return found


def _walk(folder: str, prefix: str) -> Iterator[tuple[str, Signature]]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return  # gone meanwhile, or not for us to see
    for entry in entries:
        if entry.name.startswith(".") or entry.name in _IGNORED:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, f"{prefix}{entry.name}/")
        elif (signature := _signature(entry)) is not None:
            yield prefix + entry.name, signature


def _signature(entry: os.DirEntry[str]) -> Signature | None:
    """None for what is no file, or is gone meanwhile."""
    try:
        found = entry.stat()
    except OSError:
        try:
            found = os.lstat(entry.path)  # a link to nothing, or round in a circle
        except FileNotFoundError:
            return None
        except OSError:
            return _UNSEEN
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode)):
        return None
    return Signature(found.st_mtime_ns, found.st_size, found.st_ino)


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
