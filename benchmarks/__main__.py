"""All benchmarks, one after the other: `python -m benchmarks [NAME...]`. Results: docs/benchmarks.md."""

import importlib
import sys

from benchmarks.report import machine

#: in the order of docs/benchmarks.md
NAMES = (
    *(
        "jobs",
        "loading",
        "graph_data",
        "packer",
        "cron",
        "due",
        "resolver",
        "virtual",
        "store",
        "agent",
    ),
    *("mesos", "takeover", "asking"),
)


def main(names: list[str]) -> None:
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        raise SystemExit(f"no benchmark {', '.join(unknown)}; there are: {', '.join(NAMES)}")
    print(machine())
    for name in names or NAMES:
        print(f"\n== {name}", flush=True)
        sys.argv = [name]
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main(sys.argv[1:])
