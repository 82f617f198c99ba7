"""Previews of retries and marks, worked out from rows by the functions with which the leader decides."""

from moroccron.core.amending import preview
from moroccron.model.command import Amendment
from moroccron.model.preview import Preview
from moroccron.ports import Queries


class StoredPreviews:
    """Fulfils `ports.Previews` for any process that can read. Asks no leader."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries

    def preview(self, wish: Amendment) -> Preview:
        run = self._queries.run(wish.run_id)
        version = self._queries.version(run.version_id)
        return preview(run, version, self._queries.job_runs(run.id), wish)
