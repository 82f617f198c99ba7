"""Ports that are ours: not given to two tests at once, nor to whoever connects somewhere.

A port of 0 would be of the range from which the kernel takes the near end of a connection: taken
while a killed master is to come back to it. Claims are abstract sockets, gone with their process.
"""

import random
import socket

RANGE = range(20000, 30000)  #: below the kernel's own and the agents' 31000
_claims: list[socket.socket] = []


def claim_port() -> int:
    """A port for this process alone, as long as it lives."""
    for port in random.sample(RANGE, len(RANGE)):
        if _claim(port):
            return port
    raise AssertionError("no port is free")


def _claim(port: int) -> bool:
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0moroccron-test-port-{port}")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
    except OSError:
        claim.close()
        return False
    _claims.append(claim)
    return True
