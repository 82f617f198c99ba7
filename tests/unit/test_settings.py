"""Where settings come from, which source wins, and what a wrong one says."""

from dataclasses import fields
from pathlib import Path

import pytest

from moroccron import settings
from moroccron.core.launching import environment, launch_of
from moroccron.settings import Settings, SettingsInvalid, read
from moroccron.testing import a_run, a_version, an_attempt


def test_defaults_lie_in_the_folder(tmp_path: Path) -> None:
    reading = read(flags={}, environ={}, folder=tmp_path)
    assert reading.file is None
    assert reading.settings.dags == tmp_path / "dags"
    assert reading.settings.work_dir == tmp_path / ".moroccron"
    assert reading.settings.database == f"sqlite:///{tmp_path}/.moroccron/moroccron.db"
    assert (reading.settings.host, reading.settings.port) == ("127.0.0.1", 8650)
    assert set(reading.origins.values()) == {"default"}


def test_later_sources_win(tmp_path: Path) -> None:
    (tmp_path / "moroccron.toml").write_text('port = 1\nhost = "a"\nlog_level = "info"\n')
    reading = read(
        flags={"port": "3"},
        environ={"MOROCCRON_PORT": "2", "MOROCCRON_HOST": "b"},
        folder=tmp_path,
    )
    found = reading.settings
    assert (found.port, found.host, found.log_level) == (3, "b", "info")
    assert reading.origins["port"] == "--port"
    assert reading.origins["host"] == "MOROCCRON_HOST"
    assert reading.origins["log_level"] == str(tmp_path / "moroccron.toml")
    assert reading.origins["dags"] == "default"


def test_the_database_follows_the_work_dir(tmp_path: Path) -> None:
    reading = read(flags={"work_dir": "w"}, environ={}, folder=tmp_path)
    assert reading.settings.database == f"sqlite:///{tmp_path}/w/moroccron.db"


def test_paths_of_a_file_begin_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "m.toml").write_text('dags = "d"\n')
    reading = read(flags={}, environ={}, folder=tmp_path, config="etc/m.toml")
    assert reading.settings.dags == tmp_path / "etc" / "d"
    assert reading.settings.work_dir == tmp_path / ".moroccron"


def test_the_file_may_be_named_by_the_environment(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("port = 9\n")
    (tmp_path / "moroccron.toml").write_text("port = 8\n")
    environ = {"MOROCCRON_CONFIG": str(tmp_path / "other.toml")}
    assert read(flags={}, environ=environ, folder=tmp_path).settings.port == 9


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ("prot = 1", "prot", "unknown setting 'prot'"),
        ('port = "many"', "port", "port must be a whole number, not 'many'"),
        ('port = "8650"', "port", "port must be a whole number"),
        ("port = 1.5", "port", "port must be a whole number"),
        ("port = true", "port", "port must be a whole number"),
        ("port = 65536", "port", "port must be from 0 to 65535"),
        ("host = 1", "host", "host must be text"),
        ('dags = ""', "dags", "dags must be a path"),
        ('log_level = "loud"', "log_level", "log_level must be one of debug"),
        ("launch_grace = 0", "launch_grace", "launch_grace must be above 0"),
        ("launch_grace = nan", "launch_grace", "launch_grace must be above 0"),
        ('resources = "4 cpus"', "resources", "as Mesos writes it"),
        ('role = "a b"', "role", "must be a role of Mesos"),
        ('secret = "hunter2"', "secret", "must name where the secret is"),
        ('containerizer = "rkt"', "containerizer", "must be one of mesos, docker"),
        ('gpus = "2"', "gpus", "must be one of on, off"),
        ("port = ", None, "cannot be read"),
    ],
)
def test_a_wrong_line_names_file_setting_and_remedy(
    tmp_path: Path, text: str, name: str | None, words: str
) -> None:
    file = tmp_path / "moroccron.toml"
    file.write_text(text)
    with pytest.raises(SettingsInvalid) as caught:
        read(flags={}, environ={}, folder=tmp_path)
    assert str(caught.value).startswith(f"{file}: ")
    assert words in str(caught.value)
    assert caught.value.name == name
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("flags", "environ", "source", "remedy"),
    [
        ({"port": "x"}, {}, "--port", "write for example --port 8650"),
        ({}, {"MOROCCRON_PORT": "x"}, "MOROCCRON_PORT", "write for example MOROCCRON_PORT = 8650"),
        ({"log_level": "x"}, {}, "--log-level", "write for example --log-level warning"),
    ],
)
def test_a_wrong_word_names_its_source(
    tmp_path: Path, flags: dict[str, str], environ: dict[str, str], source: str, remedy: str
) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        read(flags=flags, environ=environ, folder=tmp_path)
    assert (caught.value.source, caught.value.remedy) == (source, remedy)


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match=r"--config: there is no file .*/none\.toml"):
        read(flags={}, environ={}, folder=tmp_path, config="none.toml")


def test_strange_variables_are_no_concern_of_ours(tmp_path: Path) -> None:
    environ = {"MOROCCRON_TASK": "x", "MOROCCRON_PORT": ""}
    assert read(flags={}, environ=environ, folder=tmp_path).settings.port == 8650


def test_a_child_reads_the_same_from_its_environment(tmp_path: Path) -> None:
    (tmp_path / "moroccron.toml").write_text('resources = "cpus:1"\n')
    given = {"port": "1234", "resources": "", "attributes": "rack:a", "launch_grace": "2.5"}
    parent = read(flags=given, environ={}, folder=tmp_path).settings
    environ = settings.as_environment(parent, settings.names())
    assert read(flags={}, environ=environ, folder=tmp_path).settings == parent


def test_every_setting_has_its_story(tmp_path: Path) -> None:
    for declared in fields(Settings):
        assert declared.metadata["doc"].endswith("."), declared.name
        file = tmp_path / f"{declared.name}.toml"
        file.write_text(f"{declared.name} = {settings.example(declared.name)}\n")
        read(flags={}, environ={}, folder=tmp_path, config=str(file))


def test_variables_that_look_like_ours_and_are_not_are_named_with_a_likely_one() -> None:
    environ = {"MOROCCRON_PROT": "1", "MOROCCRON_XYZ": "1", "PROT": "1", "MOROCCRON_PORT": "1"}
    assert settings.strangers(environ) == {
        "MOROCCRON_PROT": "did you mean MOROCCRON_PORT?",
        "MOROCCRON_XYZ": "see `moroccron config` for all",
    }


def test_variables_of_settings_tests_and_jobs_are_no_strangers() -> None:
    version = a_version("etl", {"a": []})
    run = a_run(version)
    attempt = an_attempt(run.id, task_id="t", agent_id="agent")
    launch = launch_of(version.jobs[0], attempt, environment(run), "framework")
    known = {settings.variable(name) for name in settings.names()}
    known |= {name for name, _ in launch.env} | {"MOROCCRON_CONFIG", "MOROCCRON_TEST_DATABASE"}
    assert len(known) > 20
    assert settings.strangers(dict.fromkeys(known, "1")) == {}
