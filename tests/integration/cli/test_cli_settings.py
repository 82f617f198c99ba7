"""What the command line says of where its settings come from."""

import pytest

from tests.integration.cli.conftest import World


def test_unknown_variable_is_warned_of_and_leaves_the_output_clean(
    bare: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOROCCRON_PROT", "1")
    result = bare.run("config", "--json")
    assert result.stderr.splitlines() == [
        "Warning: there is no setting MOROCCRON_PROT; did you mean MOROCCRON_PORT?"
    ]
    assert result.stdout.startswith(("{", "["))
