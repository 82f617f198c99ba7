"""moroccron's own processes on the test cluster: schedulers and web, as a person would start them."""

import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from tests.cluster.process import ClusterProcess

PROGRAM = Path(sys.executable).with_name("moroccron")


class Moroccron(ClusterProcess):
    """`moroccron WORD OPTIONS`. Healthy when it runs; a page tells more of the web."""

    def __init__(
        self,
        name: str,
        folder: Path,
        words: Sequence[str],
        *,
        page: str | None = None,
        tied: bool = True,
    ) -> None:
        super().__init__(name, folder, tied=tied)
        self._words = list(words)
        self._page = page

    def command(self) -> list[str]:
        return [str(PROGRAM), *self._words]

    def healthy(self) -> bool:
        return self._page is None or _serves(self._page)


def _serves(page: str) -> bool:
    try:
        with urllib.request.urlopen(page, timeout=2):
            return True
    except (OSError, urllib.error.URLError):
        return False
