"""`dag_runner`, the fixture's value: finds DAGs, plays runs of them, and tells when they fire."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from moroccron.model import validation, when
from moroccron.model.authoring import DAG
from moroccron.model.command import KillRun
from moroccron.model.dag_version import DagVersion
from moroccron.model.errors import DagInvalid
from moroccron.model.param_values import completed
from moroccron.model.run import DataInterval
from moroccron.model.timetable import Timetable, timetable_of
from moroccron.simulation.agents import AgentSpec
from moroccron.testing.builders import EPOCH
from moroccron.testing.outcomes import Misused, Outcomes, Script
from moroccron.testing.played import PlayedRun
from moroccron.testing.playing import ROOMY, Playing
from moroccron.testing.reading import DagFileRefused, read_file, version_of

Moment = str | date | datetime
Source = str | Path | DAG | DagVersion

_MOST_FIRES = 100_000
_TICK = timedelta(seconds=1)


class DagUnderTest:
    """One DAG. Every run is played in a world of its own."""

    def __init__(self, version: DagVersion) -> None:
        self.version = version

    def __repr__(self) -> str:
        return f"<DAG {self.version.dag_id}>"

    def run(
        self,
        *,
        logical_date: Moment | None = None,
        params: Mapping[str, Any] | None = None,
        outcomes: Outcomes | None = None,
        kill_after: float | None = None,
        agents: Sequence[AgentSpec] = ROOMY,
    ) -> PlayedRun:
        """A run as a person triggers it, played to its end.

        It begins at its logical date; without one, on the first of January 2026. `kill_after`: seconds until a
        person kills it.
        """
        moment = None if logical_date is None else self._moment("logical_date", logical_date)
        checked = self._params(params or {})
        playing = self._playing(self.version, outcomes, moment or EPOCH, agents)
        run = playing.trigger(checked, moment)
        return self._finish(playing, run.id, kill_after)

    def run_scheduled(
        self,
        *,
        logical_date: Moment | None = None,
        outcomes: Outcomes | None = None,
        kill_after: float | None = None,
        agents: Sequence[AgentSpec] = ROOMY,
    ) -> PlayedRun:
        """The run that the schedule makes for the data interval of this logical date, played to its end.

        Without one, the first that falls due in 2026.
        """
        interval = self._interval(logical_date)
        version = self.version
        if interval.start < interval.end:  # nothing older is to be caught up with
            version = replace(version, start=interval.start).with_id()
        playing = self._playing(version, outcomes, interval.end - _TICK, agents)
        run = playing.await_scheduled()
        if run.interval != interval:
            raise Misused(f"the run that the schedule called for is about {run.interval}")
        return self._finish(playing, run.id, kill_after)

    def fires(self, from_: Moment, until: Moment) -> list[datetime]:
        """When runs fall due, from the one moment to before the other; in the DAG's zone."""
        first, last = self._moment("from_", from_), self._moment("until", until)
        timetable, zone = self._timetable(), ZoneInfo(self.version.timezone)
        fires: list[datetime] = []
        upcoming = timetable.next_interval(first - timedelta(microseconds=1))
        while upcoming is not None and upcoming.end < last:
            fires.append(upcoming.end.astimezone(zone))
            if len(fires) > _MOST_FIRES:
                raise Misused(f"more than {_MOST_FIRES} fires: ask for a shorter time")
            upcoming = timetable.next_interval(upcoming.end)
        return fires

    def _playing(
        self,
        version: DagVersion,
        outcomes: Outcomes | None,
        begin: datetime,
        agents: Sequence[AgentSpec],
    ) -> Playing:
        script = Script(outcomes or {}, version)
        return Playing(version, script, begin=begin, agents=agents)

    def _finish(self, playing: Playing, run_id: str, kill_after: float | None) -> PlayedRun:
        if kill_after is not None:
            playing.pass_time(run_id, kill_after)
            playing.ask(KillRun(run_id))
        playing.finish(run_id)
        return PlayedRun(playing, run_id)

    def _interval(self, logical_date: Moment | None) -> DataInterval:
        timetable = self._timetable()
        if logical_date is None:
            interval = timetable.next_interval(EPOCH)
            if interval is None:
                raise Misused(f"the schedule of {self.version.dag_id} ended before 2026")
            return interval
        wanted = self._moment("logical_date", logical_date)
        interval = timetable.next_interval(wanted)
        if interval is None or interval.start != wanted:
            near = "" if interval is None else f"; one begins at {interval.start.isoformat()}"
            raise Misused(
                f"no data interval of {self.version.dag_id} begins at {wanted.isoformat()}{near}"
            )
        return interval

    def _timetable(self) -> Timetable:
        timetable = timetable_of(self.version)
        if timetable is None:
            raise Misused(f"{self.version.dag_id} has no schedule: only people trigger it")
        return timetable

    def _moment(self, name: str, value: Moment) -> datetime:
        """What names no zone is meant in the DAG's."""
        try:
            moment = when.moment(value, self.version.timezone)
        except DagInvalid as error:
            raise Misused(f"{name}: {error.message}: {error.remedy}") from None
        assert moment is not None
        return moment

    def _params(self, given: Mapping[str, Any]) -> dict[str, Any]:
        try:
            complete = completed(self.version, given)
        except DagInvalid as error:
            place = error.field or "params"
            raise Misused(f"{place}: {error.message}; {error.remedy}") from None
        return {name: complete[name] for name in given}


class DagRunner:
    """Finds DAGs: in a file, in the DAG folder by their ids, or in the test itself."""

    def __init__(self, here: Path, folder: Path) -> None:
        self._here = here
        self._folder = folder if folder.is_absolute() else here / folder

    def __call__(self, source: Source, dag_id: str | None = None) -> DagUnderTest:
        """The DAG of a file (`dag_id`: which, if there are several), of an id, or a `DAG`."""
        if isinstance(source, DAG):
            return DagUnderTest(version_of(source))
        if isinstance(source, DagVersion):
            return DagUnderTest(source)
        if isinstance(source, Path) or source.endswith(".py"):
            return DagUnderTest(self._of_file(self._here / source, dag_id))
        return DagUnderTest(self._of_folder(source))

    def all_of(self, file: str | Path) -> list[DagUnderTest]:
        """All DAGs of a file."""
        return [DagUnderTest(version) for version in self._read(self._here / file)]

    def fires(self, source: Source, from_: Moment, until: Moment) -> list[datetime]:
        """When the DAG's runs fall due; see `DagUnderTest.fires`."""
        return self(source).fires(from_, until)

    def _of_file(self, path: Path, dag_id: str | None) -> DagVersion:
        versions = {version.dag_id: version for version in self._read(path)}
        if dag_id is None and len(versions) == 1:
            return next(iter(versions.values()))
        if dag_id in versions:
            return versions[dag_id]
        known = ", ".join(versions) or "none"
        if dag_id is None:
            raise Misused(f"{path.name} declares these DAGs: {known}; name the one you mean")
        remedy = validation.suggestion(dag_id, versions, f"it declares: {known}")
        raise Misused(f"{path.name} declares no DAG {dag_id!r}: {remedy}")

    def _of_folder(self, dag_id: str) -> DagVersion:
        known: list[str] = []
        refused: list[str] = []
        for path in sorted(self._folder.rglob("*.py")):
            if any(part[0] in "._" for part in path.relative_to(self._folder).parts):
                continue
            try:
                versions = self._read(path)
            except DagFileRefused as error:
                refused.append(str(error))
                continue
            for version in versions:
                if version.dag_id == dag_id:
                    return version
                known.append(version.dag_id)
        if refused:
            raise DagFileRefused("\n".join(refused))
        remedy = validation.suggestion(
            dag_id, known, f"there are: {', '.join(islice(known, 20)) or 'none'}"
        )
        raise Misused(
            f"no file in {self._folder} declares a DAG {dag_id!r}: {remedy} "
            "(the folder is the ini option moroccron_dags)"
        )

    def _read(self, path: Path) -> tuple[DagVersion, ...]:
        if not path.is_file():
            raise Misused(f"there is no file {path}")
        within = path.resolve().is_relative_to(self._folder.resolve())
        return read_file(path, self._folder if within else path.parent)
