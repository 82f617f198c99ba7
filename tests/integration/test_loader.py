"""Reading a folder of DAG files, with real processes: what is good, what is blamed, and on which line."""

import os
import textwrap
from pathlib import Path

import pytest

from moroccron.loader import Loader
from moroccron.model.events import FilesLoaded
from moroccron.model.load import LoadedFile, LoadError
from moroccron.model.resources import Resources
from moroccron.testing.engine import Engine


def good(dag_id: str, job: str = "a") -> str:
    return f'from moroccron import DAG, Job\nwith DAG("{dag_id}"):\n    Job("{job}", "true")\n'


def write(folder: Path, **files: str) -> None:
    """`name="text"` is name.py; `__` in a name is a folder."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(textwrap.dedent(text))


def load(folder: Path, **limits: float) -> dict[str, LoadedFile]:
    loaded = Loader(folder, **limits).load_all()  # type: ignore[arg-type]
    assert loaded.complete
    return {file.file: file for file in loaded.files}


def blamed(folder: Path, text: str, **limits: float) -> LoadError:
    """The only error of a file that lies between two good ones, which it must not hurt."""
    write(folder, a_good=good("first"), bad=text, z_good=good("last"))
    files = load(folder, **limits)
    assert [v.dag_id for v in files["a_good.py"].versions] == ["first"]
    assert [v.dag_id for v in files["z_good.py"].versions] == ["last"]
    assert files["bad.py"].versions == ()
    (error,) = files["bad.py"].errors
    assert error.file == "bad.py"
    assert error.remedy
    return error


def test_good_files_give_versions_and_the_same_content_the_same_ids(tmp_path: Path) -> None:
    write(tmp_path, one=good("one"), team__two=good("two") + good("three"))
    files = load(tmp_path)
    assert {name: [v.dag_id for v in file.versions] for name, file in files.items()} == {
        "one.py": ["one"],
        "team/two.py": ["two", "three"],
    }
    assert load(tmp_path) == files


def test_helpers_and_hidden_files_are_no_dag_files(tmp_path: Path) -> None:
    write(tmp_path, _helper="1 / 0", _lib__x="1 / 0", __pycache__="", empty="")
    (tmp_path / ".hidden.py").write_text("1 / 0")
    (tmp_path / "folder.py").mkdir()
    os.mkfifo(tmp_path / "pipe.py")
    files = load(tmp_path)
    assert files == {"empty.py": LoadedFile("empty.py")}


def test_folder_that_is_not_there_is_an_error_and_says_nothing_of_its_files(tmp_path: Path) -> None:
    loader = Loader(tmp_path / "nowhere")
    for _ in range(2):
        loaded = loader.load_all()
        assert not loaded.complete
        ((error,),) = [file.errors for file in loaded.files]
        assert error.file == "."
        assert f"{tmp_path}/nowhere cannot be read: No such file" in error.message
        assert "--dags" in error.remedy
    (tmp_path / "nowhere").mkdir()
    assert loader.load_all() == FilesLoaded((), complete=True)


def test_folder_that_is_away_for_a_while_retires_nothing(tmp_path: Path) -> None:
    write(tmp_path / "dags", one=good("one"))
    engine, loader = Engine(), Loader(tmp_path / "dags")
    engine.send(loader.load_all())
    (tmp_path / "dags").rename(tmp_path / "away")
    engine.send(loader.load_all())
    assert engine.view.dags["one"].active
    assert list(engine.view.load_errors) == ["."]
    (tmp_path / "away").rename(tmp_path / "dags")
    engine.send(loader.load_all())
    assert engine.view.dags["one"].active
    assert not any(engine.view.load_errors.values())


def test_file_in_the_folders_place_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "dags").write_text("")
    loaded = Loader(tmp_path / "dags").load_all()
    assert not loaded.complete
    assert "Not a directory" in loaded.files[0].errors[0].message


def test_links_to_nothing_and_round_in_a_circle_are_told(tmp_path: Path) -> None:
    write(tmp_path, good=good("good"))
    (tmp_path / "gone.py").symlink_to("nowhere.py")
    (tmp_path / "round.py").symlink_to("round.py")
    (tmp_path / "notes.txt").symlink_to("nowhere.txt")
    files = load(tmp_path)
    assert sorted(files) == ["gone.py", "good.py", "round.py"]
    for name in ("gone.py", "round.py"):
        (error,) = files[name].errors
        assert name in error.message
        assert "check that the file exists" in error.remedy


def test_helpers_are_imported_afresh_for_every_file(tmp_path: Path) -> None:
    write(
        tmp_path,
        _count="from moroccron import DAG, Job\nmade = []\n",
        one='from _count import *\nmade.append(1)\nwith DAG(f"one_{len(made)}"): Job("a", "true")\n',
        two='from _count import *\nmade.append(1)\nwith DAG(f"two_{len(made)}"): Job("a", "true")\n',
        team___near='NAME = "near"\n',
        team__three='import _near\nfrom _count import *\nwith DAG(_near.NAME): Job("a", "true")\n',
    )
    files = load(tmp_path)
    ids = [version.dag_id for file in files.values() for version in file.versions]
    assert ids == ["one_1", "near", "two_1"]


def test_a_dag_file_named_like_a_module_of_python_shadows_nothing(tmp_path: Path) -> None:
    write(
        tmp_path,
        calendar=good("calendar"),
        random=good("random"),
        z="import random; random.random()\n",
    )
    files = load(tmp_path)
    assert [error for file in files.values() for error in file.errors] == []


def test_what_a_file_does_to_its_process_is_undone(tmp_path: Path) -> None:
    write(
        tmp_path,
        a="""
            import os, sys
            os.chdir("/")
            os.environ["SEEN"] = "1"
            sys.path.clear()
            sys.stdout = sys.stderr = None
            from moroccron import DAG
            DAG("left_open").__enter__()
        """,
        b="""
            import os
            print("x")
            assert "SEEN" not in os.environ and os.getcwd() != "/"
            from moroccron import DAG, Job, DagInvalid
            try:
                Job("a", "true")
            except DagInvalid:
                with DAG("b"): Job("a", "true")
        """,
    )
    files = load(tmp_path)
    assert files["a.py"].errors
    assert [version.dag_id for version in files["b.py"].versions] == ["b"]


def test_settings_of_the_scheduler_are_not_shown_to_authors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOROCCRON_DATABASE", "postgresql://user:secret@db/x")
    write(
        tmp_path,
        a=good("a") + "\nimport os\nassert not [k for k in os.environ if 'MOROCCRON' in k]\n",
    )
    assert load(tmp_path)["a.py"].versions


# ------------------------------------------------------------------ blame


def test_syntax_error(tmp_path: Path) -> None:
    error = blamed(tmp_path, "x = 1\nif x\n    pass\n")
    assert (error.line, error.message) == (2, "SyntaxError: expected ':'")


def test_exception(tmp_path: Path) -> None:
    error = blamed(tmp_path, "def f():\n    return 1 / 0\n\nf()\n")
    assert (error.line, error.message) == (2, "ZeroDivisionError: division by zero")


def test_refused_values_name_dag_job_field_and_line(tmp_path: Path) -> None:
    error = blamed(
        tmp_path, 'from moroccron import *\nwith DAG("d"):\n    Job("a", "true", cpus="many")\n'
    )
    assert (error.dag_id, error.job_id, error.field, error.line) == ("d", "a", "cpus", 3)


def test_every_mistake_of_a_file_is_told(tmp_path: Path) -> None:
    write(
        tmp_path,
        bad="""\
            from moroccron import DAG, Job
            with DAG("one", schedule="x"):
                Job("a", "", retries=-1)
            with DAG("two", timezone="Mars/Base"):
                Job("a", "true") >> "b"
            with DAG("two"):
                Job("a", "true")
        """,
    )
    errors = load(tmp_path)["bad.py"].errors
    assert [(error.line, error.dag_id, error.field) for error in errors] == [
        (6, "two", "id"),
        (2, "one", "schedule"),
        (3, "one", "command"),
        (3, "one", "retries"),
        (4, "two", "timezone"),
        (5, "two", "upstream"),
    ]
    assert errors[0].message == "DAG 'two' is declared twice, in lines 4 and 6"


def test_mistake_in_a_helper_is_placed_in_both_files(tmp_path: Path) -> None:
    write(tmp_path, _help="def f():\n    raise KeyError('x')\n")
    error = blamed(tmp_path, "import _help\n\n_help.f()\n")
    assert (error.line, error.message) == (3, "KeyError: 'x' (in _help.py, line 2)")
    write(tmp_path, _help="def f(:\n")
    error = blamed(tmp_path, "import _help\n")
    assert error.line == 1
    assert error.message.endswith("(in _help.py, line 1)")


def test_lines_are_those_of_the_dag_file_when_a_helper_makes_the_jobs(tmp_path: Path) -> None:
    write(
        tmp_path,
        _make='from moroccron import Job\ndef make(id):\n    return Job(id, "true", cpus=0)\n',
    )
    text = 'from moroccron import DAG\nfrom _make import make\nwith DAG("d"):\n    make("a")\n'
    assert blamed(tmp_path, text).line == 4


def test_missing_module(tmp_path: Path) -> None:
    error = blamed(tmp_path, "import no_such_module\n")
    assert error.line == 1
    assert "no_such_module.py beside the DAG file" in error.remedy


def test_lists_on_both_sides_of_an_arrow(tmp_path: Path) -> None:
    error = blamed(
        tmp_path,
        'from moroccron import *\nwith DAG("d"):\n    [Job("a", "true")] >> [Job("b", "true")]\n',
    )
    assert error.line == 3
    assert "chain()" in error.remedy


def test_file_that_hangs(tmp_path: Path) -> None:
    error = blamed(tmp_path, "import time\n\ntime.sleep(1000)\n", timeout_seconds=1)
    assert error.message == "the file was not read after 1 seconds"
    assert error.line == 3


def test_file_that_hangs_and_shields_itself(tmp_path: Path) -> None:
    error = blamed(
        tmp_path,
        """
        import os, signal
        for number in (signal.SIGABRT, signal.SIGTERM, signal.SIGALRM, signal.SIGXCPU):
            signal.signal(number, signal.SIG_IGN)
        if os.fork() == 0:
            signal.pause()
        while True: pass
        """,
        timeout_seconds=1,
    )
    assert "not read after" in error.message


def test_file_that_needs_too_much_memory(tmp_path: Path) -> None:
    error = blamed(tmp_path, "x = 1\ny = bytearray(10**9)\n", memory_mib=512)
    assert (error.line, error.message) == (2, "the file needed more memory than a DAG file may")


@pytest.mark.parametrize("code", [0, 3])
def test_file_that_ends_the_process(tmp_path: Path, code: int) -> None:
    error = blamed(tmp_path, f"import os\nos._exit({code})\n")
    assert f"exit code {code}" in error.message


def test_file_that_ends_the_interpreter(tmp_path: Path) -> None:
    error = blamed(tmp_path, "import sys\nsys.exit('enough')\n")
    assert error.message == "the file ended the interpreter (SystemExit: 'enough')"
    assert error.line == 2


def test_file_that_crashes_the_process(tmp_path: Path) -> None:
    error = blamed(tmp_path, "import ctypes\n\nctypes.string_at(0)\n")
    assert "SIGSEGV" in error.message
    assert error.line == 3


def test_file_that_forks_is_read_once(tmp_path: Path) -> None:
    write(tmp_path, a="import os\nos.fork()\n" + good("a"), b=good("b"))
    files = load(tmp_path)
    assert [v.dag_id for file in files.values() for v in file.versions] == ["a", "b"]


def test_file_that_leaves_a_thread_behind(tmp_path: Path) -> None:
    text = "import threading\nthreading.Thread(target=threading.Event().wait).start()\n"
    write(tmp_path, a=text + good("a"), b=good("b"))
    files = load(tmp_path)
    assert [v.dag_id for file in files.values() for v in file.versions] == ["a", "b"]


def test_file_that_prints_much(tmp_path: Path) -> None:
    write(tmp_path, a="print('x' * 10_000_000)\n" + good("a"), b=good("b"))
    files = load(tmp_path)
    assert [v.dag_id for file in files.values() for v in file.versions] == ["a", "b"]


def test_file_that_is_not_text(tmp_path: Path) -> None:
    write(tmp_path, b=good("b"))
    (tmp_path / "a.py").write_bytes(b"\xff\xfe\x00")
    files = load(tmp_path)
    assert files["a.py"].errors[0].remedy
    assert files["b.py"].versions


def test_bound_of_resources_is_the_loaders(tmp_path: Path) -> None:
    write(tmp_path, a='from moroccron import *\nwith DAG("d"):\n    Job("a", "true", cpus=3)\n')
    loader = Loader(tmp_path, most=Resources(cpus=2000, mem=1000))
    (file,) = loader.load_all().files
    assert file.errors[0].message == "asks for 3 of cpus; more than 2 is taken for a mistake"


def test_two_files_with_one_dag_id_name_each_other(tmp_path: Path) -> None:
    write(tmp_path, one=good("same"), two="\n" + good("same") + good("other"))
    files = load(tmp_path)
    for name, line in (("one.py", 2), ("two.py", 3)):
        (error,) = files[name].errors
        assert error.message == "DAG 'same' is declared by one.py and two.py"
        assert (error.line, error.dag_id, error.field) == (line, "same", "id")
        assert files[name].versions == ()


# ------------------------------------------------------------------ many files, and check


def test_many_files_are_shared_among_processes(tmp_path: Path) -> None:
    write(tmp_path, **{f"dag_{n:03}": good(f"dag_{n:03}") for n in range(100)})
    write(tmp_path, dag_050="1 / 0")
    files = load(tmp_path)
    assert list(files) == [f"dag_{n:03}.py" for n in range(100)]
    assert [name for name, file in files.items() if file.errors] == ["dag_050.py"]


def test_check_reads_files_and_folders_without_remembering(tmp_path: Path) -> None:
    folder = tmp_path / "dags"
    write(folder, one=good("one"), team__two=good("two"), team__bad="1 / 0")
    write(tmp_path / "elsewhere", three=good("three"))
    loader = Loader(folder)
    assert [f.file for f in loader.check([folder])] == ["one.py", "team/bad.py", "team/two.py"]
    assert [f.file for f in loader.check([folder / "team"])] == ["team/bad.py", "team/two.py"]
    (single,) = loader.check([folder / "team" / "two.py"])
    assert (single.file, [v.dag_id for v in single.versions]) == ("team/two.py", ["two"])
    (outside,) = loader.check([tmp_path / "elsewhere"])
    assert (outside.file, [v.dag_id for v in outside.versions]) == ("three.py", ["three"])
    (missing,) = loader.check([folder / "no.py"])
    assert missing.errors == (LoadError("no.py", "there is no such file", "check the path"),)
