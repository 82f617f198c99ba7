"""The front page: which DAGs there are, how they fared, when they fire next. Those in trouble come first."""

from collections.abc import Sequence

from flask import Blueprint, Response, request

from moroccron.api.doors import doors
from moroccron.api.pages.frame import page
from moroccron.model.states import RunState
from moroccron.ports import DagSummary, RunBrief

blueprint = Blueprint("home", __name__)
_BAD = frozenset({RunState.FAILED, RunState.KILLED})


@blueprint.get("/")
def home() -> Response:
    wanted = request.args.get("q", "")[:100]
    dags = sorted(doors().queries.dags(14), key=_urgency)
    shown = [dag for dag in dags if _matches(dag, wanted.casefold())]
    return page("home.html", dags=shown, total=len(dags), q=wanted, last_ended=last_ended)


def last_ended(recent: Sequence[RunBrief]) -> RunBrief | None:
    """The newest run that is over."""
    return next((run for run in recent if run.state.is_terminal), None)


def _urgency(dag: DagSummary) -> tuple[bool, bool, bool, str]:
    ended = last_ended(dag.recent)
    bad = ended is not None and ended.state in _BAD
    return (not dag.state.active, not bad, not dag.active_runs, dag.state.dag_id)


def _matches(dag: DagSummary, wanted: str) -> bool:
    words = (dag.state.dag_id, dag.state.file, *dag.version.tags, *dag.version.owners)
    return any(wanted in word.casefold() for word in words)
