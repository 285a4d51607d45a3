"""Facts about ``scan`` over many files: one data set, taken up again, on one machine or several."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import soundfile

from streamseg.cli import main

FILES = 24
WAIT_S = 300  # a machine may be busy; only a hang takes as long

pytestmark = pytest.mark.usefixtures("no_user_settings")


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Short files in folders; some silent, so that their segments differ."""
    folder = tmp_path_factory.mktemp("archive")
    rng = np.random.default_rng(7)
    for number in range(FILES):
        path = folder / f"day {number % 3}" / f"{number:03d}.wav"
        path.parent.mkdir(exist_ok=True)
        level = 0.1 if number % 2 else 0.0
        soundfile.write(path, rng.normal(0, 1, 32_000) * level, 16_000)
    return folder


@pytest.fixture(scope="module")
def whole(archive, tmp_path_factory):
    """The data set of one scan that nobody disturbed."""
    out = tmp_path_factory.mktemp("whole") / "all.csv"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("streamseg.settings.default_config_path", lambda: out.with_name("none"))
        main(["scan", str(archive), "-o", str(out), "-q"])
    return out


def program():
    """The verb in a process of its own."""
    return [sys.executable, "-m", "streamseg", "scan"]


def rows(path):
    """The rows of a CSV."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def scanned(journal):
    """The file of every whole line of a journal, with repetitions."""
    lines = journal.read_bytes().split(b"\n")[1:-1] if journal.exists() else []
    return [json.loads(line)["file"] for line in lines]


def wait_for(condition, process):
    """Until it is so; a process that ends before has failed."""
    until_s = time.monotonic() + WAIT_S
    while not condition():
        assert process.poll() is None, "the scan ended before it could be disturbed"
        assert time.monotonic() < until_s, "nothing happened"
        time.sleep(0.02)


def holds_all_once(out, whole):
    """Every file has one line, and the tables are those of an undisturbed scan."""
    files = scanned(out.with_name(out.name + ".journal"))
    assert len(files) == len(set(files)) == FILES
    assert out.read_bytes() == whole.read_bytes()
    assert (
        out.with_suffix(".files.csv").read_bytes() == whole.with_suffix(".files.csv").read_bytes()
    )


def test_a_folder_becomes_one_table(whole, archive):
    """A row a segment and a row a file, by the paths of the files."""
    files = rows(whole.with_suffix(".files.csv"))
    assert [row["file"] for row in files] == sorted(str(path) for path in archive.rglob("*.wav"))
    assert all(row["duration_s"] == "2.000" and not row["error"] for row in files)
    segments = rows(whole)
    silent = {row["file"] for row in segments if row["label"] == "silence"}
    assert len(silent) == FILES // 2


def test_a_killed_scan_goes_on_where_it_stopped(run, archive, whole, tmp_path):
    """No worker outlives it, and the same command scans what is missing, nothing twice."""
    out = tmp_path / "all.csv"
    journal = Path(f"{out}.journal")
    command = [*program(), str(archive), "-o", str(out), "-j", "2"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as first:
        wait_for(lambda: len(scanned(journal)) >= 3, first)
        workers = children(first.pid)
        first.kill()
    until_s = time.monotonic() + WAIT_S
    while any(map(_lives, workers)):
        assert time.monotonic() < until_s, "a worker lives on"
        time.sleep(0.02)
    before = len(scanned(journal))
    assert 3 <= before < FILES
    assert not out.exists()
    code, _, err = run("scan", archive, "-o", out)
    assert code == 0
    assert f"{before} of {FILES} files were done before" in err
    holds_all_once(out, whole)
    changed = journal.stat().st_mtime_ns
    assert run("scan", archive, "-o", out)[0] == 0
    assert journal.stat().st_mtime_ns == changed
    holds_all_once(out, whole)


def children(pid):
    """Processes of a process, where the system shows them; a scan by two has two at least."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    if not listed.exists():
        return []
    found = listed.read_text().split()
    assert len(found) >= 2
    return found


def _lives(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_bad_files_are_told_and_tried_again(run, archive, tmp_path):
    """The exit code says that one failed, the table of files why; put right, it is scanned."""
    good = archive / "day 0" / "000.wav"
    bad = tmp_path / "bad.wav"
    bad.write_text("no sound")
    out = tmp_path / "all.csv"
    code, _, err = run("scan", bad, good, "-o", out)
    assert code == 66
    assert "1 of 2 files failed" in err
    files = {row["file"]: row for row in rows(out.with_suffix(".files.csv"))}
    assert "expected audio" in files[str(bad)]["error"]
    assert files[str(good)]["error"] == ""
    bad.write_bytes(good.read_bytes())
    assert run("scan", bad, good, "-o", out)[0] == 0
    files = scanned(Path(f"{out}.journal"))
    assert files.count(str(bad)) == 2
    assert files.count(str(good)) == 1
    assert not any(row["error"] for row in rows(out.with_suffix(".files.csv")))


def test_a_list_of_files_and_a_file_named_twice(run, archive, tmp_path):
    """Paths come from a list too, and a file is scanned once however often it is named."""
    good = archive / "day 1" / "001.wav"
    (tmp_path / "list").write_text(f"{good}\n{good}\n")
    out = tmp_path / "all.parquet"
    parquet = pytest.importorskip("pyarrow.parquet", reason="the extra `archive` is not installed")
    assert run("scan", "--files-from", tmp_path / "list", "-o", out)[0] == 0
    assert parquet.read_table(tmp_path / "all.files.parquet").column("file").to_pylist() == [
        str(good)
    ]


def test_a_folder_of_results_keeps_the_folders(run, archive, tmp_path):
    """Without a data set each file has its own result, at its place under the folder."""
    assert run("scan", archive / "day 0", "-o", tmp_path / "out", "-j", 1)[0] == 0
    assert run("scan", archive, "--format", "rttm", "-o", tmp_path / "tree", "-j", 2)[0] == 0
    assert len(list((tmp_path / "out").glob("*.csv"))) == FILES // 3
    assert len(list((tmp_path / "tree").glob("day ?/*.rttm"))) == FILES


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (["-o", "x.parquet", "--frames", "f"], "expected no --frames"),
        (["-o", "x.parquet", "--format", "rttm"], "expected no --format"),
        (["-", "-o", "x.parquet", "-r", "16000"], "expected files and folders"),
        (["--dask", "tcp://127.0.0.1:1", "-o", "x"], "expected a data set"),
    ],
)
def test_flags_that_do_not_fit_a_data_set(run, archive, flags, text):
    """Each is a usage error, said before anything is scanned."""
    code, _, err = run("scan", archive, *flags)
    assert code == 2
    assert text in err


def test_nothing_to_scan_is_a_usage_error(run):
    """No file, no folder, no list."""
    code, _, err = run("scan", "-o", "x.csv")
    assert code == 2
    assert "expected files or folders" in err


class Cluster:
    """A scheduler and workers of Dask on this machine, each a process."""

    def __init__(self, stack, folder):
        self._stack = stack
        self._folder = folder
        self._file = folder / "scheduler.json"
        self._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        self._until(self._file.exists)
        self.address = json.loads(self._file.read_text())["address"]
        self.workers = [
            self._start("worker", "--nthreads", "1", "--no-nanny", "--no-dashboard", number=number)
            for number in range(2)
        ]
        for number in range(2):
            log = folder / f"worker{number}.log"
            self._until(lambda log=log: "Registered to" in log.read_text())

    def _start(self, kind, *flags, number=0):
        command = [sys.executable, "-m", "dask", kind, "--scheduler-file", str(self._file), *flags]
        log = self._stack.enter_context((self._folder / f"{kind}{number}.log").open("w"))
        place = ["--local-directory", str(self._folder)] if kind == "worker" else []
        process = subprocess.Popen(
            [*command, *place], cwd=self._folder, stdout=log, stderr=subprocess.STDOUT
        )
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        return process

    def _until(self, condition):
        until_s = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < until_s, "the cluster does not start"
            time.sleep(0.05)


def test_a_cluster_does_the_files_of_a_dead_worker(archive, whole, tmp_path):
    """Real scheduler, two real workers, one killed in the middle: all results, none twice."""
    pytest.importorskip("distributed", reason="the extra `archive` is not installed")
    out = tmp_path / "all.csv"
    journal = Path(f"{out}.journal")
    with ExitStack() as stack:
        cluster = Cluster(stack, tmp_path)
        command = [*program(), str(archive), "-o", str(out), "--dask", cluster.address]
        scan = stack.enter_context(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
        stack.callback(scan.kill)
        wait_for(lambda: len(scanned(journal)) >= 4, scan)
        os.kill(cluster.workers[0].pid, signal.SIGKILL)
        _, err = scan.communicate(timeout=WAIT_S)
        assert scan.returncode == 0, err
    assert f"{FILES} of {FILES} files; " in err
    holds_all_once(out, whole)
