"""What every test may ask for, and how hypothesis runs here."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

# Before numpy is loaded: a pool of threads for products of small matrices only fights for the
# cores with everything else that a test runs; the tests of the window take half the time without.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import hypothesis
import numpy as np
import pytest

import streamseg
from streamseg.cli import main

CHECKOUT = Path(__file__).resolve().parent.parent

# No deadline: the machine may be busy, and no test of this suite is about time.
hypothesis.settings.register_profile("here", deadline=None)
# Derandomised: a red build must mean a change in the code, not another roll of the dice.
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "here")


def pytest_report_header() -> str:
    """Says whether the source tree or an installed wheel is under test."""
    return f"streamseg {streamseg.__version__} from {Path(streamseg.__file__).parent}"


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real recordings, or the test is skipped: no clone has it."""
    asked = os.environ.get("STREAMSEG_CORPUS")
    folder = Path(asked) if asked else CHECKOUT.parent / "shared" / "corpus"
    if not (folder / "manifest.csv").is_file():
        if asked:
            pytest.fail(f"STREAMSEG_CORPUS={asked} holds no manifest.csv: correct or unset it")
        pytest.skip(f"no corpus of recordings at {folder}: set STREAMSEG_CORPUS to its folder")
    return folder


@pytest.fixture(scope="session")
def demo_path() -> Path:
    """The bundled demo programme; its reference is the .csv beside it."""
    return CHECKOUT / "assets" / "demo.opus"


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers that are the same in every run."""
    return np.random.default_rng(20260101)


@pytest.fixture
def no_user_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever runs the tests may have settings of his own."""
    monkeypatch.setattr("streamseg.settings.default_config_path", lambda: tmp_path / "none.toml")
    for name in [name for name in os.environ if name.startswith("STREAMSEG_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def run(
    capfd: pytest.CaptureFixture[str], no_user_settings: None
) -> Callable[..., tuple[int, str, str]]:
    """Run the command line in this process; returns exit code, standard output and error."""

    def call(*arguments: object) -> tuple[int, str, str]:
        code = 0
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = capfd.readouterr()
        return code, out, err

    return call
