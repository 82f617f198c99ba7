"""Who we are to masters and agents: the secret, fetched from where the setting says that it is.

It is never kept in the settings, and read anew for every connection: whoever changes the file need not end us.
"""

import os
from pathlib import Path

from moroccron.adapters.mesos.credentials import Authorization, anonymous, basic, bearer
from moroccron.settings import Settings, SettingsInvalid


def authorization(settings: Settings) -> Authorization:
    """What gives the header Authorization for masters and agents. A secret that cannot be read is told now."""
    if not settings.secret:
        return anonymous

    def read() -> str:
        secret = read_secret(settings)
        return basic(settings.principal, secret) if settings.principal else bearer(_token(secret))

    read()
    return read


def read_secret(settings: Settings) -> str:
    """The secret that there is; raises `SettingsInvalid`."""
    kind, _, name = settings.secret.partition(":")
    if kind == "env":
        found = os.environ.get(name)
        if not found:
            raise _wrong(f"the environment has no variable {name}", "set it, or name another")
        return _one_line(found, name)
    try:
        text = Path(name).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong(f"{name} cannot be read: {error}", "name a file that we may read") from error
    return _one_line(text, name)


def _token(secret: str) -> str:
    """It goes into a header as it is, while a principal's secret is encoded first."""
    if not secret.isascii():
        raise _wrong(
            "a token that is not all ASCII cannot be sent",
            "put the token there as it was issued, or name its principal if it is a principal's secret",
        )
    return secret


def _one_line(secret: str, name: str) -> str:
    if not secret or not secret.isprintable():
        raise _wrong(f"{name} holds no secret of one line", "put the secret there and nothing else")
    return secret


def _wrong(message: str, remedy: str) -> SettingsInvalid:
    return SettingsInvalid(message, source="the setting secret", name="secret", remedy=remedy)
