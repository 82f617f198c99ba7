"""How settings become a cluster, an election and a secret; and what is not loaded for those who need none."""

import importlib
import os
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from moroccron.adapters.local.election import FileElection
from moroccron.adapters.mesos.framework import framework_info
from moroccron.adapters.sql.election import SqlElection
from moroccron.adapters.sql.schema import upgrade
from moroccron.bootstrap import extras, mesos
from moroccron.bootstrap.elections import build_election, guard
from moroccron.bootstrap.scheduler import build_policy
from moroccron.bootstrap.secrets import authorization, read_secret
from moroccron.bootstrap.tls import build_tls
from moroccron.lifecycle import ExitCode
from moroccron.ports import DriverEnd
from moroccron.settings import Settings, SettingsInvalid
from moroccron.testing import MemoryStore


def test_the_embedded_scheduler_loads_nothing_of_mesos_and_zookeeper() -> None:
    look = "import sys, moroccron.bootstrap.scheduler; print(*sys.modules)"
    told = subprocess.check_output([sys.executable, "-c", look], text=True)
    assert "moroccron.lifecycle" in told
    assert not {"kazoo", "pymesos"} & set(told.split())


def test_the_extra_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError("No module named 'kazoo.client'", name="kazoo.client")

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(
        SettingsInvalid, match="election needs kazoo, which is not installed"
    ) as told:
        extras.load("moroccron.bootstrap.zookeeper", "election")
    assert "mesos]" in told.value.remedy


def test_a_module_of_ours_that_is_missing_is_a_bug() -> None:
    with pytest.raises(ModuleNotFoundError):
        extras.load("moroccron.bootstrap.nothing", "election")


def test_the_database_elects_unless_another_is_set(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/moroccron.db"
    upgrade(url)
    assert isinstance(build_election(Settings(database=url), "me"), SqlElection)
    own = Settings(database=url, election="file", work_dir=tmp_path)
    assert isinstance(build_election(own, "me"), FileElection)


def test_an_election_that_there_is_not() -> None:
    with pytest.raises(SettingsInvalid, match="'etcd' holds no elections"):
        build_election(Settings(election="etcd"), "me")
    with pytest.raises(SettingsInvalid, match="the setting election"):
        build_election(Settings(election="zk://host"), "me")


def test_without_zookeeper_the_store_is_itself() -> None:
    store = MemoryStore()
    assert guard(store, Settings(election="sql")) is store


def test_secrets_are_where_the_setting_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "secret"
    file.write_text("two words\n")
    monkeypatch.setenv("THE_SECRET", "hush")
    assert authorization(Settings())() is None
    assert read_secret(Settings(principal="me", secret=f"file:{file}")) == "two words"
    assert read_secret(Settings(principal="me", secret="env:THE_SECRET")) == "hush"
    said = authorization(Settings(principal="me", secret="env:THE_SECRET"))
    assert said() == "Basic bWU6aHVzaA=="
    for wrong in ("file:/no/such", "env:NO_SUCH_VARIABLE", "file:/dev/null"):
        with pytest.raises(SettingsInvalid, match="the setting secret"):
            authorization(Settings(principal="me", secret=wrong))


def test_a_secret_is_read_anew_and_is_a_token_when_it_is_nobodys(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")
    said = authorization(Settings(secret=f"file:{file}"))
    assert said() == "Bearer first"
    file.write_text("second\n")
    assert said() == "Bearer second"
    file.write_text("two\nlines\n")  # it would be another header
    with pytest.raises(SettingsInvalid, match="no secret of one line"):
        said()


def test_a_token_that_no_header_can_carry_is_refused_and_a_principals_secret_is_encoded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("THE_SECRET", "h\u00fcsch")
    with pytest.raises(SettingsInvalid, match="not all ASCII") as told:
        authorization(Settings(secret="env:THE_SECRET"))
    assert "principal" in told.value.remedy
    said = authorization(Settings(principal="me", secret="env:THE_SECRET"))
    assert said() == "Basic bWU6aMO8c2No"


class TestTls:
    def test_nothing_set_is_nothing_made(self) -> None:
        assert build_tls(Settings(master="https://m:5050")) is None

    def test_whom_this_machine_trusts(self) -> None:
        context = build_tls(Settings(tls_ca="system"))
        assert context is not None
        assert context.check_hostname
        assert context.verify_mode is ssl.CERT_REQUIRED

    def test_names_may_be_ignored_but_not_the_authority(self) -> None:
        context = build_tls(Settings(tls_hostname="ignore"))
        assert context is not None
        assert not context.check_hostname
        assert context.verify_mode is ssl.CERT_REQUIRED

    @pytest.mark.parametrize(
        ("fields", "name"),
        [
            ({"tls_ca": "/no/such"}, "tls_ca"),
            ({"tls_ca": "/dev/null"}, "tls_ca"),
            ({"tls_ca": "system", "tls_cert": "/no/such"}, "tls_cert"),
            ({"tls_key": "/a/key"}, "tls_key"),
        ],
    )
    def test_what_cannot_be_used_is_told_with_its_setting(
        self, fields: dict[str, str], name: str
    ) -> None:
        with pytest.raises(SettingsInvalid) as told:
            build_tls(Settings(**fields))  # type: ignore[arg-type]
        assert told.value.name == name
        assert told.value.remedy

    @pytest.mark.parametrize(
        ("master", "ca", "named"),
        [
            ("m:1", "", "m:1"),
            ("m:1", "system", "https://m:1"),
            ("http://m:1", "system", "m:1"),
            ("https://m", "", "https://m:5050"),
        ],
    )
    def test_masters_without_a_scheme_speak_tls_when_an_authority_is_set(
        self, master: str, ca: str, named: str
    ) -> None:
        told: list[str | None] = []
        mesos.build_detector(Settings(master=master, tls_ca=ca)).watch(told.append)
        assert told == [named]


@pytest.mark.parametrize("wanted", ["off", "on"])
def test_agents_with_gpus_are_offered_only_where_that_was_set(wanted: str) -> None:
    settings = Settings(master="m:5050", gpus=wanted)
    info = framework_info(mesos.build_framework(settings), None)
    assert ({"type": "GPU_RESOURCES"} in info["capabilities"]) is (wanted == "on")
    assert build_policy(settings).gpus is (wanted == "on")


def test_the_embedded_agent_offers_what_it_has() -> None:
    assert build_policy(Settings()).gpus


def test_the_framework_is_as_it_was_set() -> None:
    framework = mesos.build_framework(
        Settings(
            role="batch, night", framework_name="ours", framework_user="u", webui_url="http://x"
        )
    )
    assert framework.roles == ("batch", "night")
    assert (framework.name, framework.user, framework.webui_url) == ("ours", "u", "http://x")
    assert framework.principal is None
    assert framework.hostname == socket.gethostname()
    assert framework.labels["moroccron.instance"].endswith(f":{os.getpid()}")
    assert framework.labels["moroccron.version"]


def test_a_master_that_is_no_address() -> None:
    for wrong in ("::1", "host:port", "zk://"):
        with pytest.raises(SettingsInvalid, match="the setting master"):
            mesos.build_detector(Settings(master=wrong))


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (DriverEnd.FAILED_OVER, ExitCode.DEPOSED),
        (DriverEnd.FOREIGN_STREAM, ExitCode.DEPOSED),
        (DriverEnd.REMOVED, ExitCode.FRAMEWORK_REMOVED),
        (DriverEnd.BROKEN, ExitCode.BUG),
    ],
)
def test_each_end_of_the_driver_has_its_exit_code(end: DriverEnd, code: ExitCode) -> None:
    told: list[tuple[ExitCode, str]] = []
    driver = mesos.build_driver(
        Settings(master="m:5050"), lambda code, why: told.append((code, why))
    )
    driver.ended(end, "the master's words")
    driver.refused("m:5050 refuses us")
    assert [code for code, _ in told] == [code, ExitCode.CREDENTIALS_REFUSED]
    assert "the master's words" in told[0][1]
