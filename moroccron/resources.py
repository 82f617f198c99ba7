"""Where the folders lie that are shipped but are no Python package.

Owns the two layouts they can have: a wheel carries them inside the package (pyproject.toml maps
`migrations/` to `moroccron/_migrations/` and `dags/` to `moroccron/_dags/`), a checkout keeps them
at its top level. Must not know what is in them; imports nothing of moroccron.
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parent


class ResourceMissing(RuntimeError):
    """This installation lacks a folder that every wheel and every checkout has."""


def migrations_dir() -> Path:
    """The folder of Alembic's `env.py` and versions."""
    return locate("migrations", marker="env.py")


def examples_dir() -> Path:
    """The folder of the example DAGs."""
    return locate("dags", marker="README.md")


def locate(name: str, *, marker: str, package: Path = _PACKAGE, checkout: Path = _CHECKOUT) -> Path:
    """The first place that holds `marker`: the wheel's own copy, then the checkout's.

    The marker keeps a stranger's folder from being taken for ours: beside a wheel's package lies
    the whole of site-packages, where somebody else may have put a `dags` or a `migrations`.
    """
    places = (package / f"_{name}", checkout / name)
    for place in places:
        if (place / marker).is_file():
            return place
    looked_in = " and ".join(str(place) for place in places)
    raise ResourceMissing(f"no {marker} in {looked_in}: install moroccron again")
