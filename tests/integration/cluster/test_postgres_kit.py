"""The test cluster's PostgreSQL keeps what was committed through a death."""

import psycopg
import pytest

from tests.cluster.postgres import MortalPostgres

pytestmark = [pytest.mark.cluster, pytest.mark.postgres]


def test_what_was_committed_survives_a_kill(own_postgres: MortalPostgres) -> None:
    url = own_postgres.create()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        own_postgres.kill()
        assert not own_postgres.process.running
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
    own_postgres.begin()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)


def test_frozen_it_answers_when_it_goes_on(own_postgres: MortalPostgres) -> None:
    url = own_postgres.create()
    own_postgres.pause()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=2)
    own_postgres.resume()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
