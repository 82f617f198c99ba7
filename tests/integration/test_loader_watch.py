"""Watching a folder: what changes is emitted soon, what does not is not, and nothing else is read again."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, Queue

import pytest

from moroccron.loader import Loader
from moroccron.model.events import FilesLoaded
from moroccron.model.load import LoadedFile
from moroccron.model.schedule import Foreseen

SOON = 15.0  #: seconds; a busy machine may need them, a sound one never does


def good(dag_id: str, job: str = "a") -> str:
    return f'from moroccron import DAG, Job\nwith DAG("{dag_id}"):\n    Job("{job}", "true")\n'


class Watch:
    """A loader that watches in a thread, and what it emitted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._news: Queue[FilesLoaded] = Queue()
        self._stop = threading.Event()
        self._loader = Loader(folder)
        self._thread = threading.Thread(
            target=self._loader.watch, args=(self._news.put, self._stop), daemon=True
        )

    def start(self) -> None:
        self._loader.load_all()
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(SOON)
            assert not self._thread.is_alive()

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)

    def until(self, *names: str, complete: bool = False) -> dict[str, LoadedFile]:
        """The next words on these files; nothing may be emitted of others meanwhile."""
        found: dict[str, LoadedFile] = {}
        deadline = time.monotonic() + SOON
        while found.keys() < set(names):
            loaded = self._news.get(timeout=max(0.0, deadline - time.monotonic()))
            assert loaded.complete == complete
            found.update({file.file: file for file in loaded.files})
        assert found.keys() == set(names)
        return found

    def is_silent(self) -> bool:
        """Nothing else comes before a change that is made now."""
        self.write("marker.py", good(f"marker_{time.monotonic_ns()}"))
        loaded = self._news.get(timeout=SOON)
        return [file.file for file in loaded.files] == ["marker.py"]


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    watch = Watch(tmp_path)
    yield watch
    watch.stop()


def ids(file: LoadedFile) -> list[str]:
    return [version.dag_id for version in file.versions]


def test_new_changed_and_removed_files(watch: Watch) -> None:
    watch.write("one.py", good("one"))
    watch.start()
    watch.write("two.py", good("two"))
    assert ids(watch.until("two.py")["two.py"]) == ["two"]
    watch.write("one.py", good("one", job="other"))
    (version,) = watch.until("one.py")["one.py"].versions
    assert version.jobs[0].id == "other"
    watch.write("sub/deep/three.py", good("three"))
    assert ids(watch.until("sub/deep/three.py")["sub/deep/three.py"]) == ["three"]
    (watch.folder / "two.py").unlink()
    assert watch.until("two.py") == {"two.py": LoadedFile("two.py", removed=True)}


def test_a_change_is_seen_within_a_second_when_the_machine_is_free(watch: Watch) -> None:
    watch.write("one.py", good("one"))
    watch.start()
    waits = []
    for number in range(5):
        begin = time.monotonic()
        watch.write("one.py", good("one", job=f"job_{number}"))
        watch.until("one.py")
        waits.append(time.monotonic() - begin)
    assert min(waits) < 1.0


def test_broken_file_and_its_repair(watch: Watch) -> None:
    watch.write("one.py", good("one"))
    watch.start()
    watch.write("one.py", "if\n")
    broken = watch.until("one.py")["one.py"]
    assert broken.versions == ()
    assert broken.errors[0].line == 1
    watch.write("one.py", good("one"))
    assert ids(watch.until("one.py")["one.py"]) == ["one"]


def test_renamed_file(watch: Watch) -> None:
    watch.write("one.py", good("one"))
    watch.start()
    (watch.folder / "one.py").rename(watch.folder / "two.py")
    found = watch.until("one.py", "two.py")
    assert found["one.py"].removed
    assert ids(found["two.py"]) == ["one"]


def test_same_content_again_is_no_news(watch: Watch) -> None:
    watch.write("one.py", good("one"))
    watch.start()
    watch.write("one.py", good("one"))
    watch.write("notes.txt", "nothing depends on this")
    watch.write("_helper.py", "nor on this")
    assert watch.is_silent()


def test_save_by_way_of_an_empty_or_missing_file_is_one_change(watch: Watch) -> None:
    watch.write("one.py", good("one"))
    watch.start()
    watch.write("one.py", "")
    watch.write("one.py", good("one", job="b"))
    assert [job.id for job in watch.until("one.py")["one.py"].versions[0].jobs] == ["b"]
    (watch.folder / "one.py").rename(watch.folder / "one.py~")
    watch.write("one.py", good("one", job="c"))
    assert [job.id for job in watch.until("one.py")["one.py"].versions[0].jobs] == ["c"]
    assert watch.is_silent()


def test_changed_helper_reads_exactly_its_dependents_again(watch: Watch) -> None:
    importing = (
        'from moroccron import *\nimport _inner\nwith DAG(_inner.ID + "{}"): Job("a", "true")\n'
    )
    watch.write("_inner.py", "import _innermost\nID = _innermost.ID\n")
    watch.write("_innermost.py", 'ID = "x"\n')
    watch.write("one.py", importing.format(1))
    watch.write("sub/two.py", importing.format(2))
    watch.write("three.py", f"import time\n{good('three')}    Job(str(time.time_ns()), 'true')\n")
    watch.start()
    watch.write("_innermost.py", 'ID = "y"\n')
    found = watch.until("one.py", "sub/two.py")
    assert ids(found["one.py"]) + ids(found["sub/two.py"]) == ["y1", "y2"]
    assert watch.is_silent()


def test_broken_helper_and_its_repair(watch: Watch) -> None:
    watch.write("_help.py", 'ID = "x"\n')
    watch.write(
        "one.py", 'from moroccron import *\nimport _help\nwith DAG(_help.ID): Job("a", "true")\n'
    )
    watch.start()
    watch.write("_help.py", "ID = \n")
    assert watch.until("one.py")["one.py"].errors
    watch.write("_help.py", 'ID = "z"\n')
    assert ids(watch.until("one.py")["one.py"]) == ["z"]
    (watch.folder / "_help.py").unlink()
    assert "_help" in watch.until("one.py")["one.py"].errors[0].message
    watch.write("_help.py", 'ID = "z"\n')
    assert ids(watch.until("one.py")["one.py"]) == ["z"]


def test_data_that_a_file_reads_is_a_dependency_too(watch: Watch) -> None:
    watch.write("ids.txt", "first")
    watch.write(
        "one.py",
        'from moroccron import *\nwith DAG(open("ids.txt").read()): Job("a", "true")\n',
    )
    watch.start()
    watch.write("ids.txt", "second")
    assert ids(watch.until("one.py")["one.py"]) == ["second"]


def test_clash_of_two_files_and_its_end(watch: Watch) -> None:
    watch.write("one.py", good("same"))
    watch.start()
    watch.write("two.py", good("same"))
    found = watch.until("one.py", "two.py")
    assert all("one.py and two.py" in file.errors[0].message for file in found.values())
    watch.write("three.py", good("same"))
    found = watch.until("one.py", "two.py", "three.py")
    assert all("one.py and three.py and two.py" in f.errors[0].message for f in found.values())
    watch.write("three.py", good("three"))
    found = watch.until("one.py", "two.py", "three.py")
    assert ids(found["three.py"]) == ["three"]
    (watch.folder / "two.py").unlink()
    found = watch.until("one.py", "two.py")
    assert ids(found["one.py"]) == ["same"]
    assert found["two.py"].removed


def test_what_changed_between_reading_and_watching_is_seen(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text(good("one"))
    loader = Loader(tmp_path)
    loader.load_all()
    (tmp_path / "one.py").write_text(good("other"))
    news: Queue[FilesLoaded] = Queue()
    stop = threading.Event()
    thread = threading.Thread(target=loader.watch, args=(news.put, stop), daemon=True)
    thread.start()
    try:
        (file,) = news.get(timeout=SOON).files
        assert ids(file) == ["other"]
    finally:
        stop.set()
        thread.join(SOON)


def test_folder_that_comes_later_and_is_replaced(tmp_path: Path) -> None:
    watch = Watch(tmp_path / "dags")
    watch.start()
    try:
        made = tmp_path / "made"
        made.mkdir()
        (made / "one.py").write_text(good("one"))
        made.rename(watch.folder)
        assert ids(watch.until("one.py", complete=True)["one.py"]) == ["one"]
        watch.folder.rename(tmp_path / "old")
        watch.write("one.py", good("again"))
        assert ids(watch.until("one.py")["one.py"]) == ["again"]
    finally:
        watch.stop()


def test_folder_that_goes_for_a_while_takes_no_dag_with_it(tmp_path: Path) -> None:
    watch = Watch(tmp_path / "dags")
    watch.write("one.py", good("one"))
    watch.write("two.py", good("two"))
    watch.start()
    try:
        watch.folder.rename(tmp_path / "away")
        assert "cannot be read" in watch.until(".")["."].errors[0].message
        (tmp_path / "away" / "two.py").unlink()
        (tmp_path / "away").rename(watch.folder)
        assert ids(watch.until("one.py", complete=True)["one.py"]) == ["one"]
        assert watch.is_silent()
    finally:
        watch.stop()


def test_link_to_nothing_and_its_repair(watch: Watch) -> None:
    watch.start()
    (watch.folder / "one.py").symlink_to("_target.txt")
    assert watch.until("one.py")["one.py"].errors
    watch.write("_target.txt", good("one"))
    assert ids(watch.until("one.py")["one.py"]) == ["one"]


def test_stops_soon_and_silently(watch: Watch) -> None:
    watch.start()
    watch.stop()
    with pytest.raises(Empty):
        watch._news.get_nowait()


OWN = """
from datetime import timedelta

from moroccron import DAG, Job

class Weekly:
    def fires(self, begin, end):
        while begin < end:
            yield begin
            begin += timedelta(days=7)

with DAG("own", schedule=Weekly()):
    Job("a", "true")
"""


def test_an_own_timetable_is_asked_for_another_year_when_one_has_passed(tmp_path: Path) -> None:
    year = 2026
    news: Queue[FilesLoaded] = Queue()
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "other.py").write_text(good("other"))
    loader = Loader(tmp_path, year=lambda: year)
    files = {file.file: file for file in loader.load_all().files}
    (before,) = files["own.py"].versions
    assert isinstance(before.schedule, Foreseen)
    assert f"{before.schedule.moments[0]:%F} {before.schedule.until:%F}" == "2025-01-01 2028-01-01"
    year, stop = 2027, threading.Event()
    watching = threading.Thread(target=loader.watch, args=(news.put, stop), daemon=True)
    watching.start()
    try:
        (own,) = news.get(timeout=SOON).files
    finally:
        stop.set()
        watching.join(SOON)
    (after,) = own.versions
    assert isinstance(after.schedule, Foreseen)
    assert f"{after.schedule.moments[0]:%F} {after.schedule.until:%F}" == "2026-01-01 2029-01-01"
