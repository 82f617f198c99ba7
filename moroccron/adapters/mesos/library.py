"""pymesos, without what its import does to the process. Every name of it that we use comes from here.

Importing pymesos takes over SIGINT (which fails outside the main thread), writes its log to stderr by a handler
of its own, and turns its level down to INFO. Signals and logs are the program's to decide.
"""

import logging
import signal

_ours = signal.signal
signal.signal = lambda number, handler: signal.getsignal(number)  # type: ignore[assignment]
try:
    from pymesos import MesosSchedulerDriver
    from pymesos.process import Connection, HttpParser, Process
finally:
    signal.signal = _ours

_log = logging.getLogger("pymesos")
_log.handlers.clear()
_log.setLevel(logging.NOTSET)

__all__ = ["Connection", "HttpParser", "MesosSchedulerDriver", "Process"]
