"""Previews of retries, marks and backfills, worked out from rows by the functions with which the leader decides."""

from datetime import datetime

from moroccron.core.amending import preview
from moroccron.core.backfill_plan import preview_backfill
from moroccron.core.rerunning import preview_rerun
from moroccron.model.backfill import BackfillPlan, CreateBackfill
from moroccron.model.command import Amendment, RetryRun
from moroccron.model.preview import Preview, RunPreview
from moroccron.ports import Queries


class StoredPreviews:
    """Fulfils `ports.Previews` for any process that can read. Asks no leader."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries

    def preview(self, wish: Amendment) -> Preview:
        run = self._queries.run(wish.run_id)
        version = self._queries.version(run.version_id)
        return preview(run, version, self._queries.job_runs(run.id), wish)

    def retry_run(self, wish: RetryRun) -> RunPreview:
        run = self._queries.run(wish.run_id)
        version = self._queries.version(run.version_id)
        newest = self._queries.dag(run.dag_id, recent=0).version
        return preview_rerun(run, version, newest, self._queries.job_runs(run.id), wish)

    def backfill(self, wish: CreateBackfill, now: datetime) -> BackfillPlan:
        dag = self._queries.dag(wish.dag_id, recent=0)
        return preview_backfill(dag.state, dag.version, wish, self._queries.run_states, now)
