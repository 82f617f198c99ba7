"""What our processes tell while they run: one line of `name=value` per event, on standard error.

Owns the format alone. Which process tells what is its own affair.
"""

import json
import logging
import sys
from datetime import UTC, datetime

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/@+")


class LogfmtFormatter(logging.Formatter):
    """time, level, logger, message; an exception's traceback follows on lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC)
        pairs = {
            "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name.removeprefix("moroccron."),
            "message": record.getMessage(),
        }
        line = " ".join(f"{name}={_quoted(value)}" for name, value in pairs.items())
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def _quoted(value: str) -> str:
    if value and _PLAIN.issuperset(value):
        return value
    return json.dumps(value, ensure_ascii=False)


def configure(level: str) -> None:
    """Let this process tell events of this level and above; libraries only what goes wrong."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LogfmtFormatter())
    logging.basicConfig(level=max(_level(level), logging.WARNING), handlers=[handler], force=True)
    logging.getLogger("moroccron").setLevel(_level(level))


def _level(name: str) -> int:
    return logging.getLevelNamesMapping()[name.upper()]
