"""How a long-lived process learns that it is to end: a signal, or that its supervisor is gone.

Owns the signals of the process. The callback runs in a thread of its own, where it may take any lock.
"""

import os
import signal
import socket
import threading
from collections.abc import Callable

import click

supervised_option = click.option("--supervised", is_flag=True, hidden=True)

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_STDIN = 0


def on_signal(stop: Callable[[], None]) -> None:
    """Call `stop` at SIGTERM or SIGINT. To be called from the main thread."""
    ours, kernels = socket.socketpair()
    kernels.setblocking(False)
    for number in _SIGNALS:
        signal.signal(number, _nothing)
    signal.set_wakeup_fd(kernels.detach())

    def listen() -> None:
        while ours.recv(1)[0] not in _SIGNALS:
            pass
        stop()

    threading.Thread(target=listen, name="signals", daemon=True).start()


def _nothing(number: int, frame: object) -> None:
    """Python must hold a handler for the signal to be written to the wake-up descriptor."""


def end_with_supervisor() -> None:
    """Send ourselves SIGTERM once standard input ends: its other end is held by the supervisor alone."""

    def listen() -> None:
        while os.read(_STDIN, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=listen, name="supervisor", daemon=True).start()
