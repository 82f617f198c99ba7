"""What an author may write into `uris` and `volumes`, and that versions stored before there were any still load."""

import pytest

from moroccron import DAG, DagInvalid, Job, Uri, Volume
from moroccron.model.dag_version import DagVersion, JobSpec


def spec(**fields: object) -> JobSpec:
    with DAG("d") as dag:
        Job("j", "true", **fields)  # type: ignore[arg-type]
    return dag.version().jobs[0]


def refused(**fields: object) -> DagInvalid:
    with pytest.raises(DagInvalid) as told:
        spec(**fields)
    return told.value


class TestUris:
    def test_texts_and_uris(self):
        given = ["https://x/a.tgz", Uri("/b", executable=True, output="bin/b")]
        assert spec(uris=given).uris == (Uri("https://x/a.tgz"), given[1])
        assert spec(uris=Uri("/a")).uris == spec(uris="/a").uris == (Uri("/a"),)

    @pytest.mark.parametrize(
        ("uri", "message", "remedy"),
        [
            (Uri("a b"), "must be one word", "remove"),
            (Uri("/a", extract="no"), "must be True or False", "True"),  # type: ignore[arg-type]
            (Uri("/a", output="/etc/passwd"), "no file in the sandbox", "data.csv"),
            (Uri("/a", output="../a"), "no file in the sandbox", "data.csv"),
            (Uri("/a", output="a/"), "no file in the sandbox", "data.csv"),
            (7, "must be text", "text"),
        ],
    )
    def test_refused(self, uri, message, remedy):
        problem = refused(uris=[uri])
        assert message in problem.message
        assert remedy in problem.remedy
        assert (problem.field, problem.job_id) == ("uris", "j")


class TestVolumes:
    def test_short_and_long(self):
        given = [
            "/data/in/:/in:ro",
            "./tmp:/tmp",
            "/cache:cache",
            Volume("models", "/models", "ro", driver="rexray", options={"size": "5", "iops": "1"}),
        ]
        assert spec(volumes=given).volumes == (
            Volume("/data/in", "/in", "ro"),
            Volume("./tmp", "/tmp"),
            Volume("/cache", "cache"),
            Volume("models", "/models", "ro", "rexray", (("iops", "1"), ("size", "5"))),
        )
        assert spec(volumes="/a:/b").volumes == (Volume("/a", "/b"),)

    @pytest.mark.parametrize(
        ("volumes", "message", "remedy"),
        [
            ("/a", "is no volume", "/on/the/agent:/in/the/container:ro"),
            ("/a:/b:ro:z", "is no volume", "Volume(source, path)"),
            ("/a:/b:x", "neither ro nor rw", '"ro"'),
            ([("/a", "/b")], "cannot be ('/a', '/b') (tuple)", "Volume"),
            ("data:/b", "neither a path on the agent nor one in the sandbox", 'driver="local"'),
            ("./:/b", "neither a path", "./"),
            ("/a:/", "mounted over the whole", "name a folder"),
            ("/a:.", "mounted over the whole", "name a folder"),
            ("/a/../b:/c", "is no path", "without .."),
            ("/a:", "is no path", "write a path"),
            ("./a:b", "in the sandbox already", "slash"),
            (["/a:/x", "/b:/x/"], "/a and /b are both mounted at /x", "path of its own"),
            (Volume("/a", "/b", options={"k": "v"}), "has no options", "name the driver"),
            (Volume("a/b", "/b", driver="local"), "no name of a Docker volume", "slashes"),
            (
                [Volume("a", "/b", driver="local"), Volume("a", "/c", driver="local")],
                "mounted twice",
                "once",
            ),
            ({"/a": "/b"}, "must be a list of volumes", "[ ]"),
            (
                Volume("a", "/b", driver="local", options=7),  # type: ignore[arg-type]
                "options must be a dict",
                "size",
            ),
        ],
    )
    def test_refused(self, volumes, message, remedy):
        problem = refused(volumes=volumes)
        assert message in problem.message
        assert remedy in problem.remedy
        assert problem.field == "volumes"


class TestVersions:
    def test_come_back_as_they_went(self):
        with DAG("d") as dag:
            Job(
                "j",
                "true",
                image="debian:12",
                pull=True,
                containerizer="docker",
                uris=["/a", Uri("/b", False, True, True, "c")],
                volumes=["/a:/b", Volume("n", "m", driver="local", options={"k": "v"})],
            )
        version = dag.version()
        assert DagVersion.from_json(version.to_json(), version.id) == version

    def test_of_before_keep_their_content_and_so_their_id(self):
        stored = (
            '{"dag_id":"d","jobs":[{"command":"true","id":"j","image":"debian:12",'
            '"resources":{"cpus":100,"mem":64},"uris":["/a"]}]}'
        )
        loaded = DagVersion.from_json(stored, "")
        assert loaded.jobs[0].uris == (Uri("/a"),)
        assert loaded.to_json() == stored
        with DAG("d", doc="") as dag:
            Job("j", "true", image="debian:12", uris=["/a"])
        assert dag.version().to_json() == stored

    @pytest.mark.parametrize(
        ("value", "shown"),
        [
            (Uri("/a"), "/a"),
            (
                Uri("/a", extract=False, executable=True, cache=True, output="b"),
                "/a (as b, executable, not unpacked, cached)",
            ),
            (Volume("/a", "/b", "ro"), "/a:/b:ro"),
            (
                Volume("n", "/b", driver="local", options={"k": "v"}),
                "n:/b:rw (driver local, k=v)",
            ),
        ],
    )
    def test_read_well(self, value, shown):
        assert str(value) == shown
