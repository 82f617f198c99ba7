"""Brings a job's uris into its sandbox, as the first process of the task. Run by its file's path.

A local path or file:// URL is copied, http(s):// and ftp:// are fetched; archives are unpacked beside themselves,
as Mesos' fetcher does, unless a uri says otherwise. Nothing is cached. What fails is told on stderr, which is
the task's. Imports nothing of the product.
"""

import json
import os
import shutil
import sys
import tarfile
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from typing import Any

TIMEOUT = 60.0  #: seconds without a byte
_TAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_REMOTE = ("http", "https", "ftp")


class CannotFetch(Exception):
    """Says in plain words why."""


def fetch(wanted: dict[str, Any], folder: str) -> None:
    """Bring one uri into the folder, and unpack it if it is an archive, or make it executable."""
    target = _bring(wanted["value"], wanted.get("output"), folder)
    if wanted.get("executable"):
        os.chmod(target, os.stat(target).st_mode | 0o111)
    elif wanted.get("extract", True):
        _unpack(target, folder)


def _bring(uri: str, output: str | None, folder: str) -> str:
    """The file, under the last part of its own path unless it is to be called otherwise."""
    if "://" not in uri:
        uri = "file://" + urllib.parse.quote(uri)
    parts = urllib.parse.urlsplit(uri)
    source = urllib.parse.unquote(parts.path)
    name = output or os.path.basename(source)
    if not name:
        raise CannotFetch("the uri ends without a file's name")
    target = os.path.join(folder, name)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if parts.scheme in _REMOTE:
        with urllib.request.urlopen(uri, timeout=TIMEOUT) as answer, open(target, "wb") as file:
            shutil.copyfileobj(answer, file)
    elif parts.scheme == "file":
        if parts.netloc not in ("", "localhost"):
            raise CannotFetch("a local path must be absolute")
        shutil.copy(source, target)
    else:
        raise CannotFetch(
            f"cannot fetch {parts.scheme}:// uris; use a path, file://, http(s):// or ftp://"
        )
    return target


def _unpack(path: str, folder: str) -> None:
    if path.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)
    elif path.endswith(_TAR):
        with tarfile.open(path) as archive:
            archive.extractall(folder, filter="data")


def main(uris: list[str]) -> int:
    """Fetch all, each a text or an object of JSON, in order; 1 at the first that fails."""
    for text in uris:
        uri = json.loads(text)
        wanted = {"value": uri} if isinstance(uri, str) else uri
        try:
            fetch(wanted, os.getcwd())
        except (CannotFetch, OSError, ValueError, tarfile.TarError, zipfile.BadZipFile) as error:
            print(f"cannot fetch {wanted['value']}: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
