"""The reader of DAG files, with the limits that were set."""

from pathlib import Path

from moroccron.loader import Loader
from moroccron.settings import Settings


def build_loader(settings: Settings, folder: Path | None = None) -> Loader:
    """For the DAG folder, or for another one."""
    return Loader(
        folder or settings.dags,
        timeout_seconds=settings.load_timeout,
        memory_mib=settings.load_memory,
    )
