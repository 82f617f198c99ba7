"""Sites of moroccron on a real Mesos; what a test begins ends with it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from moroccron.adapters.sql.schema import upgrade
from tests.cluster.mesos import Master
from tests.cluster.proxy import Proxy
from tests.cluster.site import Site

NewSite = Callable[..., Site]


@pytest.fixture
def new_site(mesos_master: Master, tmp_path: Path) -> Iterator[NewSite]:
    """new_site(dags, url=..., election=...): SQLite and its lease unless told otherwise."""
    sites: list[Site] = []

    def begin(dags: str, *, url: str | None = None, election: str = "sql") -> Site:
        folder = tmp_path / f"site-{len(sites) + 1}"
        folder.mkdir()
        url = url or f"sqlite:///{folder}/moroccron.db"
        upgrade(url)
        sites.append(Site(folder, mesos_master, url, dags, election=election))
        return sites[-1]

    yield begin
    for site in sites:
        site.close()


@pytest.fixture
def proxy(mesos_master: Master) -> Iterator[Proxy]:
    """Between a scheduler, whose `master` is its address, and the master."""
    proxy = Proxy(mesos_master.address)
    yield proxy
    proxy.close()
