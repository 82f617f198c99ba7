"""What an author may write into a field: each check takes a value and returns it in a version's form.

A check that refuses raises `DagInvalid` with message and remedy only; whoever called it knows the DAG, the
job, the field and the line, and adds them. Amounts are in `model.amounts`, times in `model.when`.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from enum import Enum
from inspect import cleandoc
from typing import Any

from moroccron.model.constraint import Constraint, Operator, check_expression
from moroccron.model.dag_version import TriggerRule
from moroccron.model.errors import DagInvalid

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_ID_LENGTH = 100
_WORD = re.compile(r"[^\s\x00-\x1f\x7f]+")
_RESERVED = "MOROCCRON_"  #: of the environment: set for every job by the engine
#: bytes; Linux starts no program with a longer argument, or a longer NAME=value
_LONGEST_ARGUMENT = 128 * 1024 - 1
_LARGEST_PARAMS = 64 * 1024  #: bytes as JSON; every job of a run has them in its environment
_DEEPEST_PARAMS = 32  #: lists and dicts within each other


def refuse(message: str, remedy: str) -> DagInvalid:
    """The error of a value, for the caller to raise and to complete."""
    return DagInvalid(message, remedy=remedy)


def suggestion(word: str, known: Iterable[str], otherwise: str) -> str:
    """ "did you mean ...?" when something known looks alike, else what to do otherwise."""
    lowered = {name.lower(): name for name in known}
    close = get_close_matches(word.lower(), lowered, n=3, cutoff=0.6)
    return f"did you mean {' or '.join(lowered[name] for name in close)}?" if close else otherwise


def kind_of(value: object) -> str:
    """What a value is, for a message: its type's name and, when short, itself."""
    text = repr(value)
    return f"{text} ({type(value).__name__})" if len(text) <= 40 else f"a {type(value).__name__}"


def identifier(value: object) -> str:
    """The id of a DAG or a job, a pool's name."""
    if not isinstance(value, str):
        raise refuse(f"an id must be text, not {kind_of(value)}", 'write it as "text"')
    if len(value) > _ID_LENGTH:
        raise refuse(f"an id of {len(value)} characters is too long", f"use {_ID_LENGTH} at most")
    if not _ID.fullmatch(value):
        remedy = "begin with a letter or digit, go on with letters, digits, and any of _ . -"
        raise refuse(f"{value!r} is no id", remedy)
    return value


def identifiers(value: object) -> tuple[str, ...]:
    """A list of ids, sorted, each once; a single one may stand alone."""
    if isinstance(value, str):
        value = (value,)
    return tuple(sorted({identifier(item) for item in items(value, "ids")}))


def text(value: object) -> str:
    """Any text that can be stored."""
    if not isinstance(value, str):
        raise refuse(f"must be text, not {kind_of(value)}", 'write it as "text"')
    if "\0" in value:
        raise refuse("holds a NUL character", "remove it")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise refuse(
            f"holds a character that is no Unicode text at position {error.start}",
            "decode the bytes it came from with their true encoding",
        ) from None
    return value


def doc(value: object) -> str:
    """Text for people, its indentation taken off."""
    return cleandoc(text(value))


def word(value: object) -> str:
    """One word: a user, a role, an image."""
    checked = text(value)
    if not _WORD.fullmatch(checked):
        raise refuse(
            f"{checked!r} must be one word without blanks", "remove what is not part of it"
        )
    return checked


def optional(check: Callable[[object], Any]) -> Callable[[object], Any]:
    """The check, with None for "nothing of the kind"."""

    def checked(value: object) -> Any:
        return None if value is None else check(value)

    return checked


def words(value: object) -> tuple[str, ...]:
    """A list of words; a single one may stand alone."""
    if isinstance(value, str):
        value = (value,)
    return tuple(word(item) for item in items(value, "words"))


def names(value: object) -> tuple[str, ...]:
    """Owners and tags: short texts, in the author's order, each once; a single one may stand alone."""
    if isinstance(value, str):
        value = (value,)
    found = []
    for item in items(value, "names"):
        name = text(item).strip()
        if not name or not name.isprintable():
            raise refuse(f"{item!r} is no name", "use printable text")
        found.append(name)
    return tuple(dict.fromkeys(found))


def items(value: object, what: str) -> Sequence[object]:
    """The parts of a list, whatever kind of list it is."""
    if isinstance(value, Mapping | str | bytes) or not isinstance(value, Iterable):
        raise refuse(f"must be a list of {what}, not {kind_of(value)}", "write it in [ ]")
    return tuple(value)


def command(value: object) -> str | tuple[str, ...]:
    """Text for a shell, or a list of arguments."""
    if isinstance(value, str):
        if not value.strip():
            raise refuse("the command is empty", "write the shell text that the job runs")
        return _argument(value)
    if isinstance(value, Mapping | bytes) or not isinstance(value, Sequence):
        raise refuse(
            f"a command must be text or a list of texts, not {kind_of(value)}",
            'write "shell text" or ["program", "argument"]',
        )
    if not value or value[0] == "":
        raise refuse("the command is empty", 'name a program: ["program", "argument"]')
    return tuple(_argument(item) for item in value)


def _argument(value: object) -> str:
    try:
        checked = text(value)
    except DagInvalid as error:
        raise refuse(f"the command {error.message}", error.remedy) from None
    if len(checked.encode()) > _LONGEST_ARGUMENT:
        raise refuse(
            f"the command is longer than {_LONGEST_ARGUMENT} bytes, which no Linux starts",
            "put the text into a script and run that",
        )
    return checked


def env(value: object) -> tuple[tuple[str, str], ...]:
    """Environment variables."""
    if not isinstance(value, Mapping):
        raise refuse(f"must be a dict of texts, not {kind_of(value)}", 'write {"NAME": "value"}')
    return tuple(sorted((_variable(name), _value(name, value[name])) for name in value))


def _variable(name: object) -> str:
    checked = text(name)
    if not checked or "=" in checked or not checked.isprintable():
        raise refuse(f"{name!r} is no name of a variable", "use letters, digits and _")
    if checked.startswith(_RESERVED):
        raise refuse(
            f"{name} is set by the engine", f"use a name that does not begin with {_RESERVED}"
        )
    return checked


def _value(name: object, value: object) -> str:
    if not isinstance(value, str):
        raise refuse(f"{name} must be text, not {kind_of(value)}", f'write "{value}"')
    if "\0" in value:
        raise refuse(f"{name} holds a NUL character", "remove it")
    if len(f"{name}=".encode()) + len(text(value).encode()) > _LONGEST_ARGUMENT:
        raise refuse(
            f"{name} is longer than {_LONGEST_ARGUMENT} bytes, with which no Linux starts a program",
            "put the text into a file and pass its name",
        )
    return value


def choice(kind: type[Enum]) -> Callable[[object], Any]:
    """One of an enumeration, itself or as its text."""

    def checked(value: object) -> Enum:
        try:
            return kind(value)
        except ValueError:
            known = [str(member.value) for member in kind]
            message = f"{kind_of(value)} is none of {', '.join(known)}"
            remedy = suggestion(str(value), known, "use one of these")
            raise refuse(message, remedy) from None

    return checked


def whole(low: int, high: int) -> Callable[[object], int]:
    """A whole number within bounds, both included."""
    remedy = f"use a whole number from {low} to {high}"

    def checked(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise refuse(f"must be a whole number, not {kind_of(value)}", remedy)
        if not low <= value <= high:
            raise refuse(f"{value} is out of bounds", remedy)
        return value

    return checked


def flag(value: object) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise refuse(f"must be True or False, not {kind_of(value)}", "write True or False")
    return value


def params(value: object) -> dict[str, Any]:
    """Names with their defaults, or a run's values for them, of what JSON can hold."""
    if not isinstance(value, Mapping):
        raise refuse(f"must be a dict, not {kind_of(value)}", 'write {"name": default}')
    checked: dict[str, Any] = json_value(value, "params")
    size = len(json.dumps(checked))
    if size > _LARGEST_PARAMS:
        raise refuse(
            f"params of {size} bytes as JSON are too large",
            f"use {_LARGEST_PARAMS} at most: put the rest into a file and pass its name",
        )
    return checked


def json_value(value: object, where: str) -> Any:
    """Anything that JSON can hold; `where` names it in what is refused."""
    return _json(value, where, 0)


def _json(value: object, where: str, depth: int) -> Any:
    if depth > _DEEPEST_PARAMS:
        raise refuse(
            f"params are nested more than {_DEEPEST_PARAMS} levels deep", "use fewer levels"
        )
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return text(value)
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, list | tuple):
        return [_json(item, f"{where}[{index}]", depth + 1) for index, item in enumerate(value)]
    if isinstance(value, Mapping):
        return {
            _key(key, where): _json(item, f"{where}[{key!r}]", depth + 1)
            for key, item in value.items()
        }
    raise refuse(
        f"{where} is {kind_of(value)}, which JSON cannot hold",
        "use text, finite numbers, True, False, None, lists and dicts",
    )


def name_in_json(value: object) -> str:
    """The name of a param."""
    return _key(value, "params")


def _key(key: object, where: str) -> str:
    if not isinstance(key, str) or not key:
        raise refuse(f"{where} has the name {kind_of(key)}", "use text for names")
    return text(key)


trigger_rule = choice(TriggerRule)
_operator = choice(Operator)
_VALUED = frozenset({Operator.LIKE, Operator.UNLIKE, Operator.MAX_PER, Operator.IS})
_COUNTED = frozenset({Operator.GROUP_BY, Operator.MAX_PER})
_HOW = 'write ("attribute", "OPERATOR") or ("attribute", "OPERATOR", "value")'


def constraints(value: object) -> tuple[Constraint, ...]:
    """A list of constraints, each a `Constraint`, a tuple, or its words as one text."""
    if isinstance(value, str | Constraint):
        value = (value,)
    return tuple(dict.fromkeys(constraint(item) for item in items(value, "constraints")))


def constraint(value: object) -> Constraint:
    """`("rack", "LIKE", "r[1-3]")` or `"rack LIKE r[1-3]"`."""
    if isinstance(value, Constraint):
        parts: Sequence[object] = (value.attribute, value.operator, value.value)
    elif isinstance(value, str):
        parts = value.split(None, 2)
    elif isinstance(value, list | tuple):
        parts = value
    else:
        raise refuse(f"a constraint cannot be {kind_of(value)}", _HOW)
    if not 2 <= len(parts) <= 3:
        raise refuse(f"a constraint has two or three parts, not {len(parts)}: {value!r}", _HOW)
    operator: Operator = _operator(parts[1])
    operand = parts[2] if len(parts) == 3 else None
    return Constraint(word(parts[0]), operator, _operand(operator, operand))


def _operand(operator: Operator, value: object) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is None or value == "":
        if operator in _VALUED:
            raise refuse(f"{operator} needs a value", f'write ("attribute", "{operator}", "value")')
        return None
    checked = text(value)
    if operator is Operator.UNIQUE:
        raise refuse(f"UNIQUE takes no value, yet has {checked!r}", "remove the value")
    if operator in _COUNTED and not (checked.isascii() and checked.isdigit() and int(checked) > 0):
        raise refuse(f"{operator} counts, yet has {checked!r}", "use a whole number, 1 or more")
    if operator in (Operator.LIKE, Operator.UNLIKE):
        try:
            check_expression(checked)
        except ValueError as error:
            raise refuse(
                f"{checked[:100]!r} is no regular expression: {error}",
                "see RE2's syntax, which knows no look-around and no back-references",
            ) from None
    return checked
