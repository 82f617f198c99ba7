"""A changed copy equals what `dataclasses.replace` gives."""

from dataclasses import replace

import pytest

from moroccron.model.evolve import evolve
from moroccron.model.states import AttemptState
from moroccron.testing import EPOCH, an_attempt


def test_equals_replace():
    row = an_attempt("r", state=AttemptState.QUEUED)
    changes = {"state": AttemptState.RUNNING, "started": EPOCH, "ports": (1, 2)}
    assert evolve(row, **changes) == replace(row, **changes)
    assert row.state is AttemptState.QUEUED


def test_a_name_that_is_no_field_is_refused():
    with pytest.raises(KeyError, match="colour"):
        evolve(an_attempt("r"), colour="red")
