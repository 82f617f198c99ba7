"""What an author may write into `uris` and `volumes`: each check returns the value in a version's form.

As in `validation`: a check that refuses raises `DagInvalid` with message and remedy only.
"""

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import replace

from moroccron.model.files import Uri, Volume, VolumeKind
from moroccron.model.validation import flag, items, kind_of, optional, refuse, text, word

_HOW = 'write "/on/the/agent:/in/the/container:ro", or Volume(source, path)'
_MODES = ("ro", "rw")


def uris(value: object) -> tuple[Uri, ...]:
    """A list of `Uri` or of their texts; a single one may stand alone."""
    if isinstance(value, str | Uri):
        value = (value,)
    return tuple(_uri(item) for item in items(value, "words"))


def _uri(value: object) -> Uri:
    uri = value if isinstance(value, Uri) else Uri(word(value))
    return Uri(
        word(uri.value),
        flag(uri.extract),
        flag(uri.executable),
        flag(uri.cache),
        optional(_output)(uri.output),
    )


def _output(value: object) -> str:
    name = word(value)
    if name.startswith("/") or name.endswith("/") or ".." in name.split("/"):
        raise refuse(f"the output {name!r} is no file in the sandbox", 'write a name: "data.csv"')
    return name


def volumes(value: object) -> tuple[Volume, ...]:
    """A list of `Volume` or of their texts; a single one may stand alone. One thing for each place."""
    if isinstance(value, str | Volume):
        value = (value,)
    found = tuple(_volume(item) for item in items(value, "volumes"))
    places: dict[str, Volume] = {}
    named: set[tuple[str, str]] = set()
    for volume in found:
        if volume.driver is not None:
            name = (volume.driver, volume.source)
            if name in named:
                raise refuse(
                    f"the Docker volume {volume.source} is mounted twice", "mount it once, for all"
                )
            named.add(name)
        other = places.setdefault(volume.path, volume)
        if other is not volume:
            raise refuse(
                f"{other.source} and {volume.source} are both mounted at {volume.path}",
                "give each volume a path of its own",
            )
    return found


def _volume(value: object) -> Volume:
    if isinstance(value, str):
        parts = value.split(":")
        if not 2 <= len(parts) <= 3:
            raise refuse(f"{value!r} is no volume", _HOW)
        value = Volume(parts[0], parts[1], parts[2] if len(parts) == 3 else "rw")
    if not isinstance(value, Volume):
        raise refuse(f"a volume cannot be {kind_of(value)}", _HOW)
    if value.mode not in _MODES:
        raise refuse(f"the mode {value.mode!r} is neither ro nor rw", 'write "ro" or "rw"')
    if value.driver is None and value.options:
        raise refuse("a volume without a driver has no options", "name the driver, or remove them")
    volume = replace(
        value,
        source=_source(value),
        path=_place(value.path),
        driver=optional(word)(value.driver),
        options=_options(value.options),
    )
    if volume.kind is VolumeKind.SANDBOX and not volume.path.startswith("/"):
        raise refuse(
            f"{volume.source} is in the sandbox already, where {volume.path} would be, too",
            "mount it at a path that begins with a slash",
        )
    return volume


def _source(volume: Volume) -> str:
    if volume.driver is not None:
        name = word(_path(volume.source))
        if "/" in name:
            raise refuse(f"{name!r} is no name of a Docker volume", "leave slashes out of it")
        return name
    source = _path(volume.source)
    if source.startswith("/"):
        return posixpath.normpath(source)
    if source.startswith("./") and (inside := posixpath.normpath(source)) != ".":
        return f"./{inside}"
    raise refuse(
        f"{source!r} is neither a path on the agent nor one in the sandbox",
        f'write "/{source}" or "./{source}"; a Docker volume is Volume("{source}", ..., driver="local")',
    )


def _place(path: object) -> str:
    place = posixpath.normpath(_path(path))
    if place in ("/", "."):
        raise refuse("nothing can be mounted over the whole", "name a folder in the container")
    return place


def _path(value: object) -> str:
    path = text(value)
    if not path or not path.isprintable() or ":" in path or ".." in path.split("/"):
        raise refuse(f"{path!r} is no path of a volume", "write a path without : and without ..")
    return path


def _options(value: object) -> tuple[tuple[str, str], ...]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        value = dict(value)
    if not isinstance(value, Mapping):
        raise refuse(f"options must be a dict, not {kind_of(value)}", 'write {"size": "10G"}')
    return tuple(sorted((word(name), text(value[name])) for name in value))
