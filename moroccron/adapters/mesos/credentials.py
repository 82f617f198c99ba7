"""Who we are to masters and agents: the value of the header Authorization. Pure."""

import base64
from collections.abc import Callable

#: Asked anew for every connection, so that a secret can be changed while we run. None: we say nothing of us.
Authorization = Callable[[], str | None]


def anonymous() -> str | None:
    """We say nothing of us."""
    return None


def basic(principal: str, secret: str) -> str:
    """A principal with its secret, as Mesos' own authenticator wants it."""
    return f"Basic {base64.b64encode(f'{principal}:{secret}'.encode()).decode()}"


def bearer(token: str) -> str:
    """A token that says by itself whose it is."""
    return f"Bearer {token}"
