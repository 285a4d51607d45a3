"""Facts about the worker processes: each order once, whoever dies."""

import multiprocessing
import os

import numpy as np
import pytest
import soundfile

from streamseg.archive.pool import in_processes
from streamseg.archive.work import DEATHS, Order, Outcome, Task
from streamseg.capture.choose import SourceOptions
from streamseg.errors import ModelError, NoSuchInputError, StreamsegError
from streamseg.settings import Settings


class Poison:
    """Ends the process that unpacks it, as a crash in a library would."""

    def __reduce__(self):
        return os._exit, (9,)


@pytest.fixture
def files(tmp_path):
    """Eight short files of noise."""
    rng = np.random.default_rng(1)
    paths = [tmp_path / f"{number}.wav" for number in range(8)]
    for path in paths:
        soundfile.write(path, rng.normal(0, 0.1, 16_000), 16_000)
    return [str(path) for path in paths]


def order(file, options=None, sha256=""):
    """An order for one file."""
    return Order(Task(file), options or SourceOptions(), Settings(), sha256)


def test_every_order_is_done_once_though_workers_are_killed(files):
    """One of two is killed in the middle: another one does its file."""
    done = []
    results = in_processes([order(file) for file in files], 2)
    for item in results:
        done.append(item)
        if len(done) == 2:
            victim = multiprocessing.active_children()[0]
            victim.kill()
    assert sorted(item.order.task.file for item in done) == files
    assert all(isinstance(item.result, Outcome) for item in done)
    assert multiprocessing.active_children() == []


def test_a_file_that_kills_its_workers_is_given_up(files):
    """The others are done, and the message says what happened."""
    orders = [order("poison.wav", Poison()), *map(order, files[:2])]
    results = {item.order.task.file: item.result for item in in_processes(orders, 1)}
    assert isinstance(results[files[0]], Outcome)
    assert isinstance(results[files[1]], Outcome)
    assert isinstance(results["poison.wav"], StreamsegError)
    assert f"dead worker {DEATHS} times (exit code 9)" in str(results["poison.wav"])


def test_a_bad_file_is_a_result(files, tmp_path):
    """Its error comes through the pipe; the worker lives on."""
    missing = str(tmp_path / "missing.wav")
    results = [item.result for item in in_processes([order(missing), order(files[0])], 1)]
    assert isinstance(results[0], NoSuchInputError)
    assert isinstance(results[1], Outcome)


def test_what_no_library_expects_is_the_files_fault(files):
    """An exception of an unforeseen kind names the file and does not end the scan."""
    strange = order("-", "no options at all")
    results = [item.result for item in in_processes([strange, order(files[0])], 1)]
    assert "AttributeError" in str(results[0])
    assert isinstance(results[1], Outcome)


def test_a_worker_with_other_weights_refuses(files):
    """Results of two networks must not stand in one table."""
    (item,) = in_processes([order(files[0], sha256="0" * 64)], 1)
    assert isinstance(item.result, ModelError)
    assert "install the same streamseg" in str(item.result)


def test_leaving_early_leaves_nobody_behind(files):
    """The workers end when the caller stops."""
    results = in_processes([order(file) for file in files], 2)
    next(results)
    assert multiprocessing.active_children()
    results.close()
    assert multiprocessing.active_children() == []
