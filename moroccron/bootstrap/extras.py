"""Parts that need libraries beyond the core's: loaded only when a setting asks for them."""

import importlib
from types import ModuleType

from moroccron.settings import SettingsInvalid

#: what they import, and what pymesos does in turn
_LIBRARIES = frozenset({"addict", "http_parser", "httptools", "kazoo", "pymesos", "six"})


def load(module: str, setting: str) -> ModuleType:
    """A module of moroccron; a setting that asks for more than is installed is wrong here."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _LIBRARIES:
            raise
        raise SettingsInvalid(
            f"{setting} needs {missing}, which is not installed",
            source=f"the setting {setting}",
            name=setting,
            remedy="install the extra for Mesos, as docs/mesos.md says: pip install ./packages/http-parser "
            "'.[mesos]'",
        ) from error
