"""The small pages: files that were refused, and what this is."""

from flask import Blueprint, Response

from moroccron.api.doors import doors
from moroccron.api.pages.frame import page
from moroccron.api.show import STATES

blueprint = Blueprint("small", __name__)


@blueprint.get("/load-errors")
def load_errors() -> Response:
    rows = sorted(
        doors().queries.load_errors(), key=lambda row: (row.error.file, row.error.line or 0)
    )
    return page("load_errors.html", rows=rows)


@blueprint.get("/about")
def about() -> Response:
    counts = doors().queries.attempt_count_by_state()
    return page("about.html", attempts=counts, states=STATES)
