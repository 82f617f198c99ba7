"""A launch as Mesos' TaskInfo, to the byte: what no cluster of the tests can run is right all the same."""

import json
from typing import Any

import pytest

from moroccron.adapters.mesos.calls import encode
from moroccron.adapters.mesos.tasks import task_info
from moroccron.model.files import Containerizer, Uri, Volume
from moroccron.model.offer import Launch
from moroccron.model.resources import Resources
from moroccron.model.run import AttemptKey

MESOS, DOCKER = Containerizer.MESOS, Containerizer.DOCKER
GPU = Resources(cpus=100, mem=1, gpus=1)


def launch(**fields: Any) -> Launch:
    values: dict[str, Any] = {
        "task_id": "dag@run@job@2.7",
        "key": AttemptKey("dag@run", "job", 2),
        "agent_id": "agent-1",
        "command": "true",
        "resources": Resources(cpus=500, mem=64),
    }
    return Launch(**values | fields)


def part(name: str, usual: Containerizer = MESOS, **fields: Any) -> str:
    """One field of the TaskInfo, as it goes over the wire; "null" when it is not there."""
    info = task_info(launch(**fields), [], usual)
    return encode(info.get(name)).decode()  # type: ignore[arg-type]


class TestTheWhole:
    def test_of_the_least(self):
        assert encode(task_info(launch(), [])) == (
            b'{"name":"job","task_id":{"value":"dag@run@job@2.7"},"agent_id":{"value":"agent-1"},'
            b'"resources":[],"command":{"shell":true,"value":"true"},'
            b'"kill_policy":{"grace_period":{"nanoseconds":5000000000}},'
            b'"labels":{"labels":[{"key":"moroccron.run","value":"dag@run"},'
            b'{"key":"moroccron.job","value":"job"},{"key":"moroccron.attempt","value":"2"}]}}'
        )

    def test_of_everything_that_a_launch_may_say(self):
        whole = launch(
            command=("./run", "a b"),
            ports=(31003, 31005),
            env=(("A", "1"),),
            uris=(Uri("http://x/y.tar.gz"), Uri("/z", executable=True)),
            user="nobody",
            timeout=1.5,
            kill_grace=7.0,
            image="debian:12",
            pull=True,
            volumes=(Volume("/data", "/in", "ro"),),
        )
        assert encode(task_info(whole, [{"name": "cpus"}])) == (
            b'{"name":"job","task_id":{"value":"dag@run@job@2.7"},"agent_id":{"value":"agent-1"},'
            b'"resources":[{"name":"cpus"}],'
            b'"command":{"shell":false,"value":"./run","arguments":["./run","a b"],'
            b'"environment":{"variables":[{"name":"PORT0","value":"31003"},'
            b'{"name":"PORT1","value":"31005"},{"name":"PORT","value":"31003"},'
            b'{"name":"PORTS","value":"31003,31005"},{"name":"A","value":"1"}]},'
            b'"uris":[{"value":"http://x/y.tar.gz"},{"value":"/z","executable":true}],'
            b'"user":"nobody"},'
            b'"kill_policy":{"grace_period":{"nanoseconds":7000000000}},'
            b'"labels":{"labels":[{"key":"moroccron.run","value":"dag@run"},'
            b'{"key":"moroccron.job","value":"job"},{"key":"moroccron.attempt","value":"2"}]},'
            b'"container":{"type":"MESOS","mesos":{"image":{"type":"DOCKER",'
            b'"docker":{"name":"debian:12"},"cached":false}},'
            b'"volumes":[{"container_path":"/in","mode":"RO",'
            b'"source":{"type":"HOST_PATH","host_path":{"path":"/data"}}}]},'
            b'"max_completion_time":{"nanoseconds":1500000000}}'
        )


class TestCommands:
    def test_text_goes_to_a_shell(self):
        assert part("command", command="a | b") == '{"shell":true,"value":"a | b"}'

    def test_arguments_never_meet_one(self):
        told = part("command", command=("echo", "$HOME; rm"))
        assert told == '{"shell":false,"value":"echo","arguments":["echo","$HOME; rm"]}'

    def test_a_port_asked_for_by_the_job_itself_does_not_lose_to_ours(self):
        told = json.loads(part("command", ports=(1,), env=(("PORT", "mine"),)))
        assert {"name": "PORT", "value": "mine"} in told["environment"]["variables"]

    @pytest.mark.parametrize(
        ("uri", "told"),
        [
            (Uri("http://x/y"), '{"value":"http://x/y"}'),
            (Uri("/x", extract=False), '{"value":"/x","extract":false}'),
            (Uri("/x", executable=True), '{"value":"/x","executable":true}'),
            (Uri("/x", cache=True), '{"value":"/x","cache":true}'),
            (Uri("/x", output="in/y"), '{"value":"/x","output_file":"in/y"}'),
        ],
    )
    def test_how_a_file_is_fetched(self, uri, told):
        assert part("command", uris=(uri,)) == f'{{"shell":true,"value":"true","uris":[{told}]}}'


class TestImages:
    def test_none(self):
        assert part("container") == part("container", DOCKER) == "null"

    def test_for_the_agents_own_runtime(self):
        assert part("container", image="debian:12") == (
            '{"type":"MESOS","mesos":{"image":{"type":"DOCKER","docker":{"name":"debian:12"}}}}'
        )

    def test_for_the_docker_daemon(self):
        told = '{"type":"DOCKER","docker":{"image":"debian:12","network":"HOST"}}'
        assert part("container", DOCKER, image="debian:12") == told
        assert part("container", image="debian:12", containerizer=DOCKER) == told

    def test_that_are_pulled_each_time(self):
        assert part("container", DOCKER, image="d", pull=True) == (
            '{"type":"DOCKER","docker":{"image":"d","network":"HOST","force_pull_image":true}}'
        )
        assert '"cached":false' in part("container", image="d", pull=True)

    def test_a_job_may_want_the_agents_own_where_docker_is_usual(self):
        assert '"type":"MESOS"' in part("container", DOCKER, image="d", containerizer=MESOS)

    def test_a_gpu_goes_to_the_agents_own_runtime(self):
        told = part("container", DOCKER, image="cuda:12", resources=GPU, containerizer=DOCKER)
        assert told.startswith('{"type":"MESOS"')


class TestVolumes:
    HOST = Volume("/data", "/in", "ro")
    SANDBOX = Volume("./tmp", "/tmp")
    NAMED = Volume("models", "m", "ro", "rexray", (("iops", "10"), ("size", "5")))

    @pytest.mark.parametrize(
        ("volume", "told"),
        [
            (HOST, '"mode":"RO","source":{"type":"HOST_PATH","host_path":{"path":"/data"}}'),
            (
                SANDBOX,
                '"mode":"RW","source":{"type":"SANDBOX_PATH",'
                '"sandbox_path":{"type":"SELF","path":"tmp"}}',
            ),
            (
                NAMED,
                '"mode":"RO","source":{"type":"DOCKER_VOLUME",'
                '"docker_volume":{"driver":"rexray","name":"models","driver_options":'
                '{"parameter":[{"key":"iops","value":"10"},{"key":"size","value":"5"}]}}}',
            ),
        ],
    )
    def test_for_the_agents_own_runtime(self, volume, told):
        inner = f'"volumes":[{{"container_path":"{volume.path}",{told}}}]'
        assert part("container", volumes=(volume,)) == f'{{"type":"MESOS",{inner}}}'
        with_image = part("container", image="d", volumes=(volume,))
        assert with_image == (
            '{"type":"MESOS","mesos":{"image":{"type":"DOCKER","docker":{"name":"d"}}},'
            + inner
            + "}"
        )

    @pytest.mark.parametrize(
        ("volume", "told"),
        [
            (HOST, '"container_path":"/in","mode":"RO","host_path":"/data"'),
            (SANDBOX, '"container_path":"/tmp","mode":"RW","host_path":"tmp"'),
            (
                Volume("models", "m", driver="rexray"),
                '"container_path":"m","mode":"RW","source":{"type":"DOCKER_VOLUME",'
                '"docker_volume":{"driver":"rexray","name":"models"}}',
            ),
        ],
    )
    def test_for_the_docker_daemon(self, volume, told):
        assert part("container", DOCKER, image="d", volumes=(volume,)) == (
            '{"type":"DOCKER","docker":{"image":"d","network":"HOST"},"volumes":[{' + told + "}]}"
        )

    def test_without_an_image_there_is_nothing_for_docker_to_do(self):
        told = part("container", DOCKER, volumes=(self.HOST,), containerizer=DOCKER)
        assert told.startswith('{"type":"MESOS","volumes":[')


class TestWhereToWrite:
    """`$MOROCCRON_OUTPUT`: a path that holds wherever the job goes, where one is known or the shell knows it."""

    def test_text_on_the_agent_itself_has_it_of_its_shell(self):
        command = json.loads(part("command", output=True, command="run"))
        assert (
            command["value"]
            == 'export MOROCCRON_OUTPUT="$MESOS_SANDBOX/moroccron-output.json"; run'
        )

    def test_in_an_image_it_always_lies_at_one_place(self):
        for said in ("run", ("run",)):
            command = json.loads(part("command", output=True, command=said, image="debian:12"))
            assert command["value"] == "run"
            (variable,) = command["environment"]["variables"]
            assert variable["value"] == "/mnt/mesos/sandbox/moroccron-output.json"

    def test_a_list_on_the_agent_itself_has_the_name(self):
        command = json.loads(part("command", output=True, command=("run",)))
        (variable,) = command["environment"]["variables"]
        assert variable == {"name": "MOROCCRON_OUTPUT", "value": "moroccron-output.json"}

    def test_who_hands_nothing_on_is_not_told(self):
        assert "MOROCCRON_OUTPUT" not in part("command")
