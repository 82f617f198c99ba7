"""A connection to PostgreSQL that does not wait for ever: a server that was asked and stays silent counts as gone.

The kernel finds out about a machine that is off (`tcp_user_timeout`), but not about a server that is frozen: its
machine goes on confirming what it received. psycopg asks its generators again and again while it waits; here they
look at the clock when asked. Knows nothing of what is asked.
"""

import time
from collections.abc import Generator
from typing import Any


def impatient_connection(psycopg: Any, seconds: float) -> Any:
    """A class of psycopg's connections that are closed, with an error, after so long a silence.

    Given the library, not importing it: SQLite needs none of it.
    """

    class Impatient(psycopg.Connection):
        def wait(self, gen: Any, *words: Any, **named: Any) -> Any:
            return super().wait(self._watched(gen), *words, **named)

        def _watched(self, gen: Any) -> Generator[Any, Any, Any]:
            """What `gen` does, until nothing has come for too long."""
            heard = time.monotonic()
            try:
                wanted = next(gen)
                while True:
                    ready = yield wanted
                    now = time.monotonic()
                    if ready:
                        heard = now
                    elif now - heard > seconds:
                        self._give_up(gen)
                    wanted = gen.send(ready)
            except StopIteration as end:
                return end.value

        def _give_up(self, gen: Any) -> None:
            gen.close()
            self.pgconn.finish()
            raise psycopg.OperationalError(f"the server has been silent for {seconds:g} s")

    return Impatient
