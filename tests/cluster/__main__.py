"""`python -m tests.cluster up|down [FOLDER [ADDRESS]]`: see by_hand.py."""

import sys

from tests.cluster.by_hand import main

if not 2 <= len(sys.argv) <= 4 or sys.argv[1] not in ("up", "down"):
    sys.exit(__doc__)
main(*sys.argv[1:])
