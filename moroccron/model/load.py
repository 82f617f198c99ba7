"""What reading DAG files gave: versions, or errors that say where and what to do."""

from dataclasses import dataclass

from moroccron.model.dag_version import DagVersion


@dataclass(frozen=True, slots=True)
class LoadError:
    """Why a file, or a DAG in it, was refused."""

    file: str  #: path relative to the DAG folder
    message: str
    remedy: str
    line: int | None = None
    dag_id: str | None = None
    job_id: str | None = None
    field: str | None = None


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """One file as it was last read. An error and versions exclude each other: a file is good as a whole."""

    file: str
    versions: tuple[DagVersion, ...] = ()
    errors: tuple[LoadError, ...] = ()
    #: the file is gone: its DAGs are no longer scheduled, their history stays
    removed: bool = False
