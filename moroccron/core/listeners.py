"""Which DAGs listen to whom: an index over the triggers of the newest versions."""

from collections.abc import Iterable, Mapping

from moroccron.model.dag_version import DagVersion
from moroccron.model.graph import cycles, written


class Listeners:
    """Kept in step by the view, a DAG at a time."""

    def __init__(self) -> None:
        self._heard: dict[str, DagVersion] = {}  #: versions with triggers, by their DAG
        self._of_dag: dict[str, set[str]] = {}
        self.told_of_jobs: set[str] = set()  #: DAGs whose jobs somebody listens to

    def set(self, version: DagVersion, *, active: bool) -> None:
        """The newest version of a DAG; one that no file declares any more listens to nobody."""
        listens = active and bool(version.triggers)
        before = self._heard.get(version.dag_id)
        if before is (version if listens else None):
            return
        if listens:
            self._heard[version.dag_id] = version
        else:
            del self._heard[version.dag_id]
        self._index()

    def _index(self) -> None:
        self._of_dag, self.told_of_jobs = {}, set()
        for listener, version in self._heard.items():
            for trigger in version.triggers:
                self._of_dag.setdefault(trigger.dag, set()).add(listener)
                if trigger.job is not None:
                    self.told_of_jobs.add(trigger.dag)

    def of_dag(self, dag_id: str) -> list[str]:
        """The DAGs that listen to one, in order of their ids."""
        return sorted(self._of_dag.get(dag_id, ()))

    def loops_with(self, versions: Iterable[DagVersion]) -> dict[str, str]:
        """Loops of DAGs, triggering one another for ever, that a file's versions close: written out, by DAG."""
        fresh = {version.dag_id: version for version in versions}
        if not any(version.triggers for version in fresh.values()):
            return {}
        loops = cycles(_upstream({**self._heard, **fresh}))
        return {dag: written(loop) for loop in loops for dag in loop if dag in fresh}


def _upstream(versions: Mapping[str, DagVersion]) -> dict[str, set[str]]:
    """By DAG: those among the listening that it listens to."""
    return {
        dag: {trigger.dag for trigger in version.triggers if trigger.dag in versions}
        for dag, version in versions.items()
    }
