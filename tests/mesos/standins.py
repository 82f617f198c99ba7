"""Libraries that stand in for those that libmesos of 2020 was linked to and Debian no longer ships.

OpenSSL 1.0, the old symbol version of libcurl and Python 2.7 are never called without TLS and
fetched URIs, but the dynamic linker wants each of their versioned symbols to exist. Needs gcc, nm.
"""

import subprocess
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PYTHON = "python"  #: the group of symbols that have no version
DATA = ("PyExc", "_Py_")  #: what is read rather than called begins so


@dataclass(frozen=True)
class StandIn:
    """A library and the symbol versions that are looked for in it."""

    name: str
    versions: tuple[str, ...]


LIBRARIES = (
    StandIn("libssl.so.1.0.0", ("OPENSSL_1.0.0", "OPENSSL_1.0.1", "OPENSSL_1.0.2")),
    StandIn("libcrypto.so.1.0.0", ("OPENSSL_1.0.0", "OPENSSL_1.0.1", "OPENSSL_1.0.2")),
    StandIn("libcurl.so.4", ("CURL_OPENSSL_3",)),
    StandIn("libpython-absent.so", (PYTHON,)),
)


def build(shared_object: Path, folder: Path) -> None:
    """Write all stand-ins for what the shared object lacks into the folder."""
    symbols = undefined_symbols(shared_object)
    for library in LIBRARIES:
        _compile(library, symbols, folder)


def undefined_symbols(shared_object: Path) -> dict[str, set[str]]:
    """The names that it wants of others, by version."""
    found = defaultdict(set)
    command = ["nm", "-D", "--undefined-only", "--with-symbol-versions", str(shared_object)]
    for line in subprocess.check_output(command, text=True).splitlines():
        name, _, version = line.split()[-1].partition("@")
        if version:
            found[version.lstrip("@")].add(name)
        elif name.startswith(("Py", "_Py")):
            found[PYTHON].add(name)
    return found


def _compile(library: StandIn, symbols: Mapping[str, set[str]], folder: Path) -> None:
    output = folder / library.name
    source, script = output.with_suffix(".c"), output.with_suffix(".map")
    names = sorted(set().union(*(symbols.get(version, set()) for version in library.versions)))
    source.write_text("\n".join(_definition(name) for name in names) + "\n")
    command = ["gcc", "-shared", "-fPIC", "-w", f"-Wl,-soname,{library.name}"]
    if library.versions != (PYTHON,):
        script.write_text("\n".join(_version(v, symbols.get(v, set())) for v in library.versions))
        command.append(f"-Wl,--version-script={script}")
    subprocess.run([*command, "-o", str(output), str(source)], check=True)
    source.unlink()
    script.unlink(missing_ok=True)


def _definition(name: str) -> str:
    return f"long {name}[64];" if name.startswith(DATA) else f"long {name}(void) {{ return 0; }}"


def _version(version: str, names: set[str]) -> str:
    listed = "".join(f" {name};" for name in sorted(names))
    return f"{version} {{{f' global:{listed}' if listed else ''} }};"
