"""What freshly read DAG files change: versions, which DAGs are scheduled, and the errors people see.

A broken file changes nothing but its errors: the last good version runs on.
"""

from moroccron.core.draft import Draft
from moroccron.core.due import first_scheduled_until
from moroccron.model.changes import DagChanged, DagState, LoadErrorsChanged, VersionAdded
from moroccron.model.dag_version import DagVersion
from moroccron.model.events import FilesLoaded
from moroccron.model.evolve import evolve
from moroccron.model.load import LoadedFile, LoadError
from moroccron.model.schedule import CatchUp, same_fires

_TIMES = (
    "timezone",
    "start",
    "end",
    "holidays",
    "blackouts",
)  #: what beside the schedule tells when


def take_files(draft: Draft, event: FilesLoaded) -> None:
    """Apply each file; with a complete set also retire the DAGs and errors of files that are gone."""
    # What is gone comes last: a DAG whose file was renamed has moved, not gone and come.
    for file in sorted(event.files, key=lambda file: file.removed):
        _take_file(draft, _judged(draft, file))
    if event.complete:
        present = {file.file for file in event.files}
        gone = {dag.file for dag in draft.view.dags.values() if dag.active} | set(
            draft.view.load_errors
        )
        for name in sorted(gone - present):
            _take_file(draft, LoadedFile(name, removed=True))


def _take_file(draft: Draft, file: LoadedFile) -> None:
    if draft.view.load_errors.get(file.file, ()) != file.errors:
        draft.change(LoadErrorsChanged(file.file, file.errors, draft.now))
        for error in file.errors:
            draft.tell("dag", "load error", dag_id=error.dag_id, message=_sentence(error))
    if file.errors:
        return
    declared = {version.dag_id for version in file.versions}
    for version in file.versions:
        _take_version(draft, version, file.file)
    for dag in list(draft.view.dags.values()):
        if dag.active and dag.file == file.file and dag.dag_id not in declared:
            draft.change(DagChanged(evolve(dag, active=False, next_due=None)))
            draft.tell("dag", "no file declares it any more", dag_id=dag.dag_id)


def _judged(draft: Draft, file: LoadedFile) -> LoadedFile:
    """The file with the errors that only those see who know all DAGs."""
    loops = draft.view.listeners.loops_with(file.versions)
    if not loops:
        return file
    remedy = "remove one of these triggers, and save this file again"
    errors = tuple(
        LoadError(
            file.file,
            f"DAGs trigger one another in a loop: {loop}",
            remedy,
            dag_id=dag_id,
            field="triggers",
        )
        for dag_id, loop in loops.items()
    )
    return evolve(file, versions=(), errors=errors)


def _sentence(error: LoadError) -> str:
    """A load error on one line."""
    place = f"{error.file}:{error.line}" if error.line is not None else error.file
    return f"{place}: {error.message}"


def _take_version(draft: Draft, version: DagVersion, file: str) -> None:
    view = draft.view
    known = view.dags.get(version.dag_id)
    if known is not None and known.version_id == version.id and known.active and known.file == file:
        return
    if version.id not in view.versions:
        draft.change(VersionAdded(version, file, draft.now))
    if known is None:
        until = first_scheduled_until(version.start, catchup=version.catchup, now=draft.now)
        dag = DagState(version.dag_id, version.id, file, scheduled_until=until)
        cause = "first seen"
    else:
        dag = evolve(known, version_id=version.id, file=file, active=True, failed_runs=0)
        edited = _times_differ(view.versions.get(known.version_id), version)
        if edited or not (known.active or version.catchup is CatchUp.ALL):
            # An edited schedule never fires for what lies behind, and what was run is never run again.
            until = max(draft.now, known.scheduled_until or draft.now)
            dag = evolve(dag, scheduled_until=until)
        cause = "new version" if known.version_id != version.id else "declared again"
    draft.change(DagChanged(with_next_due(draft, dag)))
    draft.tell("dag", cause, dag_id=version.dag_id, message=version.id)


def _times_differ(old: DagVersion | None, new: DagVersion) -> bool:
    """Whether two versions may fire at different times."""
    return (
        old is None
        or not same_fires(old.schedule, new.schedule)
        or any(getattr(old, name) != getattr(new, name) for name in _TIMES)
    )


def with_next_due(draft: Draft, dag: DagState) -> DagState:
    """The DAG with the moment at which its schedule fires next, none while it is paused or retired."""
    timetable = draft.view.timetable(dag.version_id)
    if timetable is None or dag.paused or not dag.active or dag.scheduled_until is None:
        return evolve(dag, next_due=None)
    upcoming = timetable.next_interval(dag.scheduled_until)
    return evolve(dag, next_due=upcoming.end if upcoming else None)
