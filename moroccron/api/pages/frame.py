"""What every page shows around its content: what needs attention, and what was asked just now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Response, current_app, g, redirect, render_template, request, url_for

from moroccron.api.doors import doors
from moroccron.api.v1.replies import packed, requester
from moroccron.model.command import Answer, Intent
from moroccron.ports import LoadErrorRow

PAGES = frozenset({"home", "dag", "run", "job", "small"})
_MAX_COMMAND = 2**63


@dataclass(frozen=True, slots=True)
class Asked:
    """A command of this reader, and what became of it."""

    id: int
    answer: Answer | None


def note_history() -> None:
    """Remember up to where the history went before the page was made: its reader listens from there on."""
    if request.method in ("GET", "HEAD") and request.blueprint in PAGES:
        g.last = doors().queries.last_history_id()


def page(template: str, **values: Any) -> Response:
    """A page in its frame."""
    queries = doors().queries
    load_errors = queries.load_errors()
    html = render_template(
        template,
        asked=_asked(),
        assets_missing=not (Path(current_app.static_folder or "") / "app.js").is_file(),
        broken=_broken(load_errors),
        last=g.last,
        leader=queries.leader(),
        load_error_count=len(load_errors),
        version_of_us=doors().version,
        **values,
    )
    return packed(html.encode(), "text/html")


def submit(intent: Intent, endpoint: str, **values: Any) -> Response:
    """Hand an intent to the leader and go back to the page, which then tells what became of it."""
    command_id = doors().commands.submit(intent, requester())
    return redirect(url_for(endpoint, asked=command_id, **values), 303)  # type: ignore[return-value]


def _broken(load_errors: Sequence[LoadErrorRow]) -> Mapping[str, datetime]:
    """The files that cannot be read now, each with since when."""
    since: dict[str, datetime] = {}
    for row in load_errors:
        since[row.error.file] = min(row.since, since.get(row.error.file, row.since))
    return since


def _asked() -> Asked | None:
    text = request.args.get("asked", "")
    if not (text.isascii() and text.isdigit() and len(text) < 20 and 0 < int(text) < _MAX_COMMAND):
        return None
    return Asked(int(text), doors().queries.answer(int(text)))
