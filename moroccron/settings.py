"""What a person may set: one frozen object, read once, passed down by value.

Owns the names, their defaults, what each means, and the order in which sources win: defaults, then the
file, then the environment, then flags. The texts here are the only ones: flags' help and docs/settings.md
are made of them. Must not know click, nor what anybody does with a setting.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from moroccron.model.errors import MoroccronError

FILE_NAME = "moroccron.toml"
CONFIG_VARIABLE = "MOROCCRON_CONFIG"
_PREFIX = "MOROCCRON_"
#: set by the engine for jobs, from which our commands may be run as well
_OF_JOBS = frozenset(
    f"{_PREFIX}{name}"
    for name in (
        *("DAG", "RUN", "JOB", "ATTEMPT", "TASK_ID", "FRAMEWORK_ID", "PARAMS"),
        *("LOGICAL_DATE", "INTERVAL_START", "INTERVAL_END"),
    )
)
_OF_TESTS = _PREFIX + "TEST_"
_LEVELS = ("debug", "info", "warning", "error")
_ITEM = re.compile(r"[A-Za-z0-9_.\-]+:[^;]+")
_ROLE = re.compile(r"\*|(?![.\-])[^\s/,*]+(/(?![.\-])[^\s/,*]+)*")
_SECRET = re.compile(r"(file|env):.+")

#: what it takes to speak to masters and agents that want to know who we are, or say who they are
TRUST = ("principal", "secret", "tls_ca", "tls_cert", "tls_key", "tls_hostname")
#: those that only matter where there is a Mesos; `standalone` brings its own agent
MESOS = (
    "master",
    "framework_name",
    "framework_user",
    "role",
    *TRUST,
    "failover_timeout",
    "webui_url",
    "containerizer",
    "gpus",
    "assumed_runtime",
)


class SettingsInvalid(MoroccronError):
    """A setting that cannot be taken. Says where it was read, what is wrong with it and the remedy."""

    def __init__(self, message: str, *, source: str, remedy: str, name: str | None = None) -> None:
        super().__init__(f"{source}: {message}")
        self.source = source
        self.name = name
        self.remedy = remedy


def _one_of(*words: str) -> Callable[[Any], str | None]:
    return lambda value: None if value in words else f"must be one of {', '.join(words)}"


def _between(low: float, high: float) -> Callable[[Any], str | None]:
    return lambda value: None if low <= value <= high else f"must be from {low:g} to {high:g}"


def _above_zero(value: float) -> str | None:
    return None if value > 0 else "must be above 0"


def _pairs(value: str) -> str | None:
    items = [item.strip() for item in value.split(";") if item.strip()]
    if all(_ITEM.fullmatch(item) for item in items):
        return None
    return "must be written as Mesos writes it: name:value;name:value"


def _roles(value: str) -> str | None:
    if all(_ROLE.fullmatch(role.strip()) for role in value.split(",")):
        return None
    return "must be a role of Mesos, or several with commas between them"


def _reference(value: str) -> str | None:
    if not value or _SECRET.fullmatch(value):
        return None
    return "must name where the secret is, as file:PATH or env:VARIABLE"


def _setting(
    default: Any,
    doc: str,
    *,
    check: Callable[[Any], str | None] | None = None,
    shown: str | None = None,
    example: str | None = None,
) -> Any:
    """A field with its story. `shown`: how to write the default for people; `example`: a TOML value."""
    story = {"doc": doc, "check": check, "shown": shown, "example": example}
    return field(default=default, metadata=story)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set. Paths are absolute once `read` has made them so."""

    database: str = _setting(
        "",
        "SQLAlchemy URL of the database, SQLite or PostgreSQL.",
        shown="SQLite in `work_dir`",
        example='"postgresql+psycopg://moroccron@db/moroccron"',
    )
    dags: Path = _setting(Path("dags"), "Folder of the DAG files.", example='"dags"')
    host: str = _setting(
        "127.0.0.1",
        "Address on which the pages and the API are served. There is no login yet: whoever reaches "
        "it can run commands.",
        example='"127.0.0.1"',
    )
    port: int = _setting(8650, "Port of the pages and the API.", check=_between(0, 65535))
    work_dir: Path = _setting(
        Path(".moroccron"),
        "Folder for what this machine keeps: sandboxes and logs of the embedded agent, its socket, "
        "locks, and the database unless `database` names another.",
        example='".moroccron"',
    )
    resources: str = _setting(
        "",
        "What the embedded agent offers, in Mesos' notation; mem and disk are MiB. Kinds left out are "
        "this machine's own.",
        check=_pairs,
        shown="this machine's",
        example='"cpus:4;mem:8192;ports:[31000-32000]"',
    )
    attributes: str = _setting(
        "",
        "What the embedded agent says of itself, for constraints, in Mesos' notation.",
        check=_pairs,
        shown="none",
        example='"rack:a1;zone:north"',
    )
    hostname: str = _setting(
        "",
        "Name under which the embedded agent offers, for constraints.",
        shown="this machine's",
        example='"build-7"',
    )
    retention_days: float = _setting(
        7.0,
        "Days for which the embedded agent keeps the sandboxes of ended jobs.",
        check=_above_zero,
    )
    log_level: str = _setting(
        "info",
        f"How much the processes tell: {', '.join(_LEVELS)}.",
        check=_one_of(*_LEVELS),
        example='"warning"',
    )
    load_timeout: float = _setting(
        30.0, "Seconds that reading a DAG file may take.", check=_above_zero
    )
    load_memory: int = _setting(
        1024,
        "MiB of memory that reading a DAG file may take.",
        check=_between(64, 1 << 20),
    )
    aging: float = _setting(
        60.0,
        "Seconds of waiting that count as one more of priority, so that nothing waits for ever behind a stream of "
        "what is more urgent; 0: waiting adds nothing.",
        check=_between(0, 366 * 86400),
    )
    retry_elsewhere: float = _setting(
        5.0,
        "Seconds for which a retry waits for an agent on which no attempt of its job ended badly. Then it takes "
        "any. The embedded agent, being the only one, is never waited for; 0: no retry waits.",
        check=_between(0, 366 * 86400),
    )
    launch_grace: float = _setting(
        30.0,
        "Seconds after a launch before an attempt that nobody knows of is believed lost.",
        check=_above_zero,
    )
    replace_after: float = _setting(
        0.0,
        "Seconds after which an attempt on an agent that is cut off is replaced, for jobs that do not say "
        "themselves; 0: never, it is waited for. See `replace_after` in docs/dags.md.",
        check=_between(0, 10 * 366 * 86400),
    )
    store_patience: float = _setting(
        60.0,
        "Seconds for which a scheduler waits for a database that is out of reach before it ends. Nothing is "
        "launched or acknowledged meanwhile.",
        check=_above_zero,
    )
    web_threads: int = _setting(
        8, "Requests that the web process answers at the same time.", check=_between(1, 256)
    )
    election: str = _setting(
        "sql",
        "Who decides which scheduler leads: `sql`, a lease in the database; `zk://host:port/path`, which "
        "also keeps a copy of the framework id; or `file`, a lock in `work_dir`, for one machine.",
        example='"zk://zk1:2181,zk2:2181/moroccron"',
    )
    master: str = _setting(
        "",
        "The Mesos master: `host:port` or `https://host:port`, several of them with commas, or "
        "`zk://host:port/path` as the masters have it.",
        shown="none: the embedded agent",
        example='"zk://zk1:2181,zk2:2181/mesos"',
    )
    framework_name: str = _setting(
        "moroccron", "Name of the framework, for people.", example='"moroccron"'
    )
    framework_user: str = _setting(
        "root",
        "User on the agents for jobs that name none. Mesos lets it be changed never.",
        example='"batch"',
    )
    role: str = _setting(
        "moroccron",
        "Role whose offers are taken, or several with commas, of which jobs that name none use the first. "
        "Not to be shared with other frameworks.",
        check=_roles,
        example='"batch"',
    )
    principal: str = _setting(
        "",
        "Who we are to masters that want to know. Mesos lets it be changed never.",
        shown="none",
        example='"moroccron"',
    )
    secret: str = _setting(
        "",
        "Where the principal's secret is: `file:PATH` or `env:VARIABLE`. Without a principal it is a token, "
        "sent as `Bearer`. Read anew for every connection.",
        check=_reference,
        shown="none",
        example='"file:/etc/moroccron/secret"',
    )
    tls_ca: str = _setting(
        "",
        "Whose certificates of masters and agents are trusted: a file with PEM certificates, or `system` for "
        "whom this machine trusts. When set, masters without a scheme and those of ZooKeeper speak TLS.",
        shown="no TLS, but for `https://`, by whom this machine trusts",
        example='"/etc/moroccron/ca.pem"',
    )
    tls_cert: str = _setting(
        "",
        "PEM file with our own certificate, for masters and agents that want one.",
        shown="none",
        example='"/etc/moroccron/cert.pem"',
    )
    tls_key: str = _setting(
        "",
        "PEM file with the key of our certificate.",
        shown="in `tls_cert`",
        example='"/etc/moroccron/key.pem"',
    )
    tls_hostname: str = _setting(
        "check",
        "Whether the name in a certificate must be that of the machine: `check`, or `ignore` where masters have "
        "certificates without their names.",
        check=_one_of("check", "ignore"),
        example='"ignore"',
    )
    failover_timeout: float = _setting(
        1814400.0,
        "Seconds that a master waits for a scheduler before it kills the framework's jobs.",
        check=_above_zero,
    )
    webui_url: str = _setting(
        "",
        "Address of the pages, for the master's own pages to link to.",
        shown="none",
        example='"https://moroccron.example"',
    )
    containerizer: str = _setting(
        "mesos",
        "Who makes the containers of jobs with an image: `mesos`, the agent's own runtime, or `docker`.",
        check=_one_of("mesos", "docker"),
        example='"docker"',
    )
    gpus: str = _setting(
        "off",
        "Whether agents with GPUs are offered to us: `on` or `off`. Once on, it should stay so. Jobs that want no "
        "GPU then use these agents when no others have room.",
        check=_one_of("on", "off"),
        example='"on"',
    )
    assumed_runtime: float = _setting(
        3600.0,
        "Seconds that a job without a `timeout` is taken to run: on an agent that is to be maintained it is "
        "launched only if it would be over by then.",
        check=_above_zero,
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """Settings with where each came from, and the file that was read, if any."""

    settings: Settings
    origins: Mapping[str, str]
    file: Path | None


def names() -> tuple[str, ...]:
    """All settings, in the order of the reference."""
    return tuple(f.name for f in fields(Settings))


def field_of(name: str) -> Field[Any]:
    """The declaration of one setting."""
    return Settings.__dataclass_fields__[name]


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return _PREFIX + name.upper()


def strangers(environ: Mapping[str, str]) -> dict[str, str]:
    """Variables that look like ours and are not, each with what to do: a misspelling would else be silent."""
    known = {variable(name) for name in names()} | {CONFIG_VARIABLE}
    return {
        name: _meant(name, known)
        for name in sorted(environ.keys() - known - _OF_JOBS)
        if name.startswith(_PREFIX) and not name.startswith(_OF_TESTS)
    }


def _meant(name: str, known: set[str]) -> str:
    bare = sorted(one.removeprefix(_PREFIX) for one in known)
    close = get_close_matches(name.removeprefix(_PREFIX).upper(), bare, n=1)
    return f"did you mean {_PREFIX}{close[0]}?" if close else "see `moroccron config` for all"


def flag(name: str) -> str:
    """The flag of a setting."""
    return "--" + name.replace("_", "-")


def as_environment(settings: Settings, chosen: tuple[str, ...]) -> dict[str, str]:
    """The variables with which a child process reads the same values."""
    return {variable(name): str(getattr(settings, name)) for name in chosen}


def default_text(name: str) -> str:
    """The default, for people."""
    declared = field_of(name)
    shown: str | None = declared.metadata["shown"]
    return shown if shown is not None else str(declared.default)


def read(
    *, flags: Mapping[str, Any], environ: Mapping[str, str], folder: Path, config: str | None = None
) -> Reading:
    """Settings of all sources. `flags` holds only those given; `folder` is where relative paths begin."""
    values: dict[str, Any] = {f.name: f.default for f in fields(Settings)}
    origins = dict.fromkeys(values, "default")
    bases = dict.fromkeys(values, folder)
    file = _find_file(config, environ, folder)
    for name, value in (_read_file(file) if file else {}).items():
        values[name] = _parse(name, value, str(file))
        origins[name], bases[name] = str(file), _folder_of(file, folder)
    for name in values:
        text = environ.get(variable(name))
        if text or (text == "" and field_of(name).type is str):
            values[name] = _parse(name, text, variable(name), text=True)
            origins[name], bases[name] = variable(name), folder
    for name, value in flags.items():
        values[name] = _parse(name, value, flag(name), text=True)
        origins[name], bases[name] = flag(name), folder
    for name, value in values.items():
        if isinstance(value, Path):
            values[name] = (bases[name] / value.expanduser()).absolute()
    if not values["database"]:
        values["database"] = f"sqlite:///{values['work_dir'] / 'moroccron.db'}"
    return Reading(Settings(**values), origins, file)


def _folder_of(file: Path | None, folder: Path) -> Path:
    return file.parent if file else folder


def _find_file(config: str | None, environ: Mapping[str, str], folder: Path) -> Path | None:
    named, source = (config, "--config")
    if named is None and environ.get(CONFIG_VARIABLE):
        named, source = environ[CONFIG_VARIABLE], CONFIG_VARIABLE
    if named is None:
        usual = folder / FILE_NAME
        return usual if usual.is_file() else None
    file = (folder / Path(named).expanduser()).absolute()
    if not file.is_file():
        raise SettingsInvalid(
            f"there is no file {file}",
            source=source,
            remedy="name a file that exists, or leave it out",
        )
    return file


def _read_file(file: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsInvalid(
            f"cannot be read: {error}", source=str(file), remedy="write it as TOML: name = value"
        ) from error
    for name in values:
        if name not in names():
            raise SettingsInvalid(
                f"unknown setting {name!r}",
                source=str(file),
                name=name,
                remedy=f"remove it, or write one of {', '.join(names())}",
            )
    return values


def _parse(name: str, value: Any, source: str, *, text: bool = False) -> Any:
    declared = field_of(name)
    parsed = _convert(declared.type, value, text)
    if parsed is None:
        raise SettingsInvalid(
            f"{name} must be {_KINDS[declared.type]}, not {value!r}",
            source=source,
            name=name,
            remedy=f"write for example {_spelled(name, source)}",
        )
    check = declared.metadata["check"]
    complaint = check(parsed) if check else None
    if complaint:
        raise SettingsInvalid(
            f"{name} {complaint}, not {value!r}",
            source=source,
            name=name,
            remedy=f"write for example {_spelled(name, source)}",
        )
    return parsed


_KINDS: dict[Any, str] = {str: "text", Path: "a path", int: "a whole number", float: "a number"}


def _spelled(name: str, source: str) -> str:
    """A right setting, as one writes it where the wrong one was."""
    if source.startswith("--"):
        return f"{source} {example(name).strip(chr(34))}"
    return f"{source if source == variable(name) else name} = {example(name)}"


def _convert(kind: Any, value: Any, text: bool) -> Any:
    """The value as its type; None when it is not one. Only text sources may spell numbers as text."""
    if kind in (str, Path):
        return kind(value) if isinstance(value, str) and (value or kind is str) else None
    if isinstance(value, bool) or not isinstance(value, str if text else (int, float)):
        return None
    if kind is int and isinstance(value, float):
        return None
    try:
        return kind(value)
    except ValueError:
        return None


def example(name: str) -> str:
    """A value as moroccron.toml would hold it."""
    declared = field_of(name)
    shown: str | None = declared.metadata["example"]
    return shown if shown is not None else str(declared.default)
