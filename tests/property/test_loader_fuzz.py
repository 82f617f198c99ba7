"""Broken files of every kind: each is good or has an error that helps, and its neighbours are unhurt."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moroccron.loader import Loader
from moroccron.model.load import LoadedFile

SOUND = '''"""A report."""
from datetime import timedelta
from moroccron import DAG, Job, TriggerRule, chain

COMMAND = "echo {} && exit 0"

def job(name, **fields):
    return Job(name, COMMAND.format(name), **fields)

with DAG("report", schedule="30 2 * * *", timezone="Europe/Berlin", params={"n": [1, 2]},
         defaults={"cpus": 0.5, "retry_delay": timedelta(seconds=2)}) as dag:
    first = job("first", mem="1GiB", constraints=[("rack", "LIKE", "r[1-3]")])
    rest = [job(f"rest_{n}", priority=n, env={"N": str(n)}) for n in range(3)]
    last = job("last", trigger_rule=TriggerRule.ALL_DONE, timeout=60)
    first >> rest >> last
'''

NASTY = (
    "raise SystemExit",
    "raise KeyboardInterrupt",
    "raise GeneratorExit('x')",
    "import os; os._exit(7)",
    "import os; os.kill(os.getpid(), 9)",
    "import os; os.abort()",
    "import os; os.closerange(0, 100)",
    "import sys; sys.modules.clear()",
    "import sys; sys.setrecursionlimit(10**6); f = lambda: f(); f()",
    "def f(): f()\nf()",
    "class E(Exception):\n    def __str__(self): raise ValueError\nraise E",
    "raise Exception('\\ud800' * 10_000)",
    "x = " + "(" * 5000,
    "x = " + "-" * 100_000 + "1",
    "exec('x = ' + '[' * 300)",
    "import builtins; builtins.open = None; builtins.isinstance = None",
    "import json; json.dumps = None",
    "from moroccron import DAG; DAG('d').version()",
    "from moroccron import DAG; DAG.problems = None; DAG('d')",
    "from moroccron import DAG; d = DAG('d'); d._edges = 3",
    "from moroccron import Job; Job('a')",
    "from moroccron import Job; Job('a', 'b')",
    "from moroccron import DAG; DAG()",
    "from moroccron import *\nwith DAG('d'): chain()",
    "import threading; threading.Thread(target=threading.Event().wait, daemon=False).start()",
    "import signal; signal.raise_signal(signal.SIGALRM)",
    "import atexit, os; atexit.register(os.abort)",
    "x = 'a' * (1 << 40)",
    "\f\0",
    "# coding: no-such-coding",
    "from __future__ import nonsense",
    "return 3",
    "await x",
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """The sound file with a piece cut out, doubled, or replaced."""
    text = SOUND.encode()
    for _ in range(draw(st.integers(1, 3))):
        begin = draw(st.integers(0, len(text)))
        end = min(len(text), begin + draw(st.integers(0, 40)))
        piece = draw(
            st.just(b"")
            | st.just(text[begin:end] * 2)
            | st.binary(max_size=6)
            | st.sampled_from(
                [b"None", b"-1", b"first", b"[]", b'""', b">>", b"dag", b"1e999", b"\n"]
            )
        )
        text = text[:begin] + piece + text[end:]
    return text


broken = damaged() | st.sampled_from(NASTY).map(str.encode) | st.binary(max_size=60)


def check(sources: list[bytes]) -> None:
    """Read these files with a sound one after each."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, source in enumerate(sources):
            (folder / f"f{number:02}_a.py").write_bytes(source)
            (folder / f"f{number:02}_b.py").write_text(
                SOUND.replace('"report"', f'"sound_{number}"')
            )
        loaded = Loader(folder, timeout_seconds=5, memory_mib=768).load_all()
    assert len(loaded.files) == 2 * len(sources)
    for file in loaded.files:
        check_explained(file)
        if file.file.endswith("_b.py"):
            number = int(file.file[1:3])
            assert [version.dag_id for version in file.versions] == [f"sound_{number}"], sources[
                number
            ]


def check_explained(file: LoadedFile) -> None:
    assert not (file.errors and file.versions)
    for error in file.errors:
        assert error.file == file.file
        assert error.message
        assert error.remedy
        assert error.line is None or error.line > 0
        error.message.encode()


@pytest.mark.timeout(180)
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(broken, min_size=1, max_size=8))
def test_broken_files_are_explained_and_hurt_nobody(sources: list[bytes]) -> None:
    check(sources)


@pytest.mark.timeout(180)
def test_nasty_files_hurt_nobody() -> None:
    check([source.encode() for source in NASTY])


def test_sound_file_is_sound() -> None:
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "a.py").write_text(SOUND)
        (file,) = Loader(Path(name)).load_all().files
    assert [job.id for job in file.versions[0].jobs] == [
        "first",
        "rest_0",
        "rest_1",
        "rest_2",
        "last",
    ]
