"""How figures are told: one line each, with its aim and what bounds it."""

import os
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path


def machine() -> str:
    """What the figures were measured on."""
    return f"{os.cpu_count()} cores ({_processor()}), {_memory()} GiB, Python {platform.python_version()}"


def line(name: str, figure: str, *, aim: str = "", floor: str = "") -> None:
    """Print one figure."""
    tail = "".join(f"   {word} {text}" for word, text in (("aim", aim), ("floor", floor)) if text)
    print(f"  {name:<44} {figure:<28}{tail}", flush=True)


def title(text: str) -> None:
    print(f"\n{text}", flush=True)


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def quantile(values: Sequence[float], q: float) -> float:
    """The q-quantile of values, by the nearest rank."""
    ordered = sorted(values)
    return ordered[min(int(q * len(ordered)), len(ordered) - 1)]


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def _processor() -> str:
    for text in Path("/proc/cpuinfo").read_text().splitlines():
        if text.startswith("model name"):
            return text.split(":", 1)[1].strip()
    return platform.machine()


def _memory() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
