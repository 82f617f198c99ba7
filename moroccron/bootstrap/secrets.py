"""The principal's secret, fetched from where the setting says that it is. Never kept in the settings."""

import base64
import os
from pathlib import Path

from moroccron.settings import Settings, SettingsInvalid


def read_secret(settings: Settings) -> str | None:
    """None: there is none."""
    kind, _, name = settings.secret.partition(":")
    if not kind:
        return None
    if not settings.principal:
        raise _wrong("there is a secret, but nobody whose it is", "set principal, too")
    if kind == "env":
        found = os.environ.get(name)
        if not found:
            raise _wrong(f"the environment has no variable {name}", "set it, or name another")
        return found
    try:
        return Path(name).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong(f"{name} cannot be read: {error}", "name a file that we may read") from error


def authorization(settings: Settings) -> str | None:
    """The value of the header Authorization for masters and agents; None without a secret."""
    secret = read_secret(settings)
    if secret is None:
        return None
    return f"Basic {base64.b64encode(f'{settings.principal}:{secret}'.encode()).decode()}"


def _wrong(message: str, remedy: str) -> SettingsInvalid:
    return SettingsInvalid(message, source="the setting secret", name="secret", remedy=remedy)
