"""Author's files to DAG versions. Authors' code never runs in this process: see `moroccron.loader_child`."""

from moroccron.loader.loader import Loader

__all__ = ["Loader"]
