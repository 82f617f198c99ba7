"""DAG versions by id, the most recently used ones. A version never changes, so nothing ever expires."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping

from moroccron.model.dag_version import DagVersion

Fetch = Callable[[Collection[str]], Mapping[str, DagVersion]]


class VersionCache:
    """Holds up to `size` versions. May be used from many threads."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._held: OrderedDict[str, DagVersion] = OrderedDict()

    def get(self, ids: Collection[str], fetch: Fetch) -> dict[str, DagVersion]:
        """The versions of these ids; those not held are fetched, all at once. Unknown ids are left out."""
        with self._lock:
            found = {id: self._held[id] for id in ids if id in self._held}
            for id in found:
                self._held.move_to_end(id)
        missing = set(ids) - found.keys()
        if missing:
            fetched = fetch(missing)
            found.update(fetched)
            self._keep(fetched)
        return found

    def _keep(self, versions: Mapping[str, DagVersion]) -> None:
        with self._lock:
            self._held.update(versions)
            while len(self._held) > self._size:
                self._held.popitem(last=False)
