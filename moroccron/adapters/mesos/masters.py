"""Masters by name: implements `ports.MasterDetector` over a list that does not change.

Whoever of them does not lead sends the driver on to the leader (307), which the driver follows by itself.
"""

from collections.abc import Callable, Sequence

from moroccron.adapters.mesos.address import parse


class StaticMasters:
    """Names the first, and the next one whenever one has failed."""

    def __init__(self, masters: Sequence[str], secure: bool = False) -> None:
        self._masters = [str(parse(master, secure)) for master in masters]
        if not self._masters:
            raise ValueError("name at least one master as HOST:PORT")
        self._at = 0
        self._on_change: Callable[[str | None], None] | None = None

    @classmethod
    def parse(cls, text: str, secure: bool = False) -> "StaticMasters":
        """From `HOST:PORT,https://HOST:PORT`; whether a master without a scheme speaks TLS, `secure` says."""
        return cls([part.strip() for part in text.split(",") if part.strip()], secure)

    def watch(self, on_change: Callable[[str | None], None]) -> None:
        self._on_change = on_change
        on_change(self._masters[self._at])

    def failed(self, master: str) -> None:
        """Go on to the next, and to the first after the last. A master named no more is no news."""
        if master == self._masters[self._at] and len(self._masters) > 1:
            self._at = (self._at + 1) % len(self._masters)
            if self._on_change is not None:
                self._on_change(self._masters[self._at])

    def stop(self) -> None:
        self._on_change = None
