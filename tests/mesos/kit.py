"""What a master or an agent needs of the Mesos that build.py made, laid out for this interpreter."""

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

HELPERS = Path(__file__).parent / "libexec"


@dataclass(frozen=True)
class Kit:
    program: Path  #: is a master or an agent by its environment
    helpers: Path  #: the programs that an agent begins

    def environ(self) -> dict[str, str]:
        return {"MESOS_LAUNCHER_DIR": str(self.helpers)}


def lay_out(home: Path, helpers: Path) -> Kit:
    """The kit, with copies of the helpers in the folder `helpers`.

    They name the interpreter itself, without site packages: one starts for each task, and what
    wraps an interpreter may cost 50 ms.
    """
    helpers.mkdir(parents=True, exist_ok=True)
    for source in HELPERS.iterdir():
        copy = helpers / source.name
        _, _, rest = source.read_text().partition("\n")
        copy.write_text(f"#!{os.path.realpath(sys.executable)} -IS\n{rest}")
        shutil.copymode(source, copy)
    return Kit(home / "bin" / "mesos-host", helpers)
