"""The values that every other room speaks in: frozen, free of I/O, importing nothing of ours above."""
