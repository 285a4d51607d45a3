"""The two commands, with an analyser that needs no network."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from streamseg.errors import CannotWriteError, NoSuchInputError
from streamseg.evaluation import __main__ as command
from streamseg.evaluation.analyser import CLASSES, Analyser, Heard
from streamseg.evaluation.tables import write_json
from streamseg.messages import Segment


def oracle(folder: Path) -> Analyser:
    """Knows the truth that lies beside the sound, and the class of a clip by its name."""

    def analyse(path: Path) -> Heard:
        time_s = (np.arange(500) + 0.5) * 0.02
        prob = np.zeros((500, 3), np.float32)
        segments = []
        beside = path.with_suffix(".csv")
        rows = list(csv.DictReader(beside.read_text().splitlines())) if beside.exists() else []
        rows = rows or [{"start_s": "0", "end_s": "10", "label": path.stem.split("_")[0]}]
        for row in rows:
            start_s, end_s = float(row["start_s"]), float(row["end_s"])
            inside = (time_s >= start_s) & (time_s < end_s)
            prob[inside, CLASSES.index(row["label"])] = 1.0
            start, end = round(start_s * 100), round(end_s * 100)
            segments.append(Segment(row["label"], start, end, 1.0, 1.0, -20.0))
        assert path.is_relative_to(folder)
        return Heard(time_s, prob, np.full(500, -20.0, np.float32), tuple(segments), 100)

    return analyse


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two programmes under different conditions and three clips; the sound is empty files."""
    below = tmp_path / "programmes"
    below.mkdir()
    (below / "index.csv").write_text("name,condition,duration_s\na,clean,10\nb,hum,10\n")
    for name, label in (("a", "music"), ("b", "noise")):
        (below / f"{name}.opus").write_bytes(b"")
        (below / f"{name}.csv").write_text(
            f"start_s,end_s,label\n0,4,{label}\n4,10,speech\n", "utf-8"
        )
    lines = [f"{label}_1.opus,eval,{label}" for label in CLASSES]
    (tmp_path / "manifest.csv").write_text("\n".join(["path,split,class", *lines]))
    monkeypatch.setattr(command, "network_analyser", lambda model: oracle(tmp_path))
    return tmp_path


def test_programmes_prints_a_table_and_writes_json(corpus: Path) -> None:
    """Per condition and over all; what does not occur is a dash, and null in JSON."""
    figures = corpus / "figures.json"
    result = CliRunner().invoke(
        command.main,
        ["programmes", str(corpus / "programmes"), "--model", "x", "--json", str(figures)],
        catch_exceptions=False,
    )
    assert result.exit_code == 0
    rows = {line.split()[0]: line.split() for line in result.output.splitlines() if line.strip()}
    assert rows["clean"][1:5] == ["1.000", "1.000", "1.000", "-"]
    assert rows["hum"][1:5] == ["1.000", "-", "1.000", "1.000"]
    assert rows["over"][2:6] == ["1.000"] * 4
    record = json.loads(figures.read_text("utf-8"))
    assert record["model"] == "x"
    assert record["classes"] == ["music", "speech", "noise"]
    assert list(record["conditions"]) == ["clean", "hum"]
    assert record["events"]["hits"] == [1, 2, 1]
    assert record["conditions"]["clean"]["one_class"]["f1"]["noise"] is None
    assert record["silence_false_alarms"] is None


def test_clips_prints_a_table_and_writes_json(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Music against speech, and three classes; the folder comes from the environment."""
    monkeypatch.setenv("STREAMSEG_CORPUS", str(corpus))
    figures = corpus / "figures.json"
    result = CliRunner().invoke(
        command.main, ["clips", "--json", str(figures)], catch_exceptions=False
    )
    assert result.exit_code == 0
    record = json.loads(figures.read_text("utf-8"))
    assert record["music_speech"]["confusion"] == [[500, 0, 0], [0, 500, 0]]
    assert record["music_speech"]["f1"] == {"music": 1.0, "speech": 1.0}
    assert record["three_classes"]["f1_mean"] == 1.0


def test_programmes_of_one_condition_are_added_up(corpus: Path) -> None:
    """Two programmes that are both clean make one row."""
    index = corpus / "programmes" / "index.csv"
    index.write_text("name,condition,duration_s\na,clean,10\nb,clean,10\n")
    found = command.read_programmes(corpus / "programmes")
    scores = command.evaluate_programmes(found, oracle(corpus))
    assert list(scores) == ["clean"]
    assert scores["clean"].events.hits.tolist() == [1, 2, 1]


def test_a_missing_folder_is_one_line_and_code_66(tmp_path: Path) -> None:
    """No traceback."""
    environment = {key: value for key, value in os.environ.items() if key != "STREAMSEG_CORPUS"}
    result = subprocess.run(
        [sys.executable, "-m", "streamseg.evaluation", "programmes", str(tmp_path / "none")],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert result.returncode == NoSuchInputError.exit_code
    assert result.stderr.count("\n") == 1
    assert "no such folder" in result.stderr


def test_figures_that_cannot_be_written_are_one_clear_error(tmp_path: Path) -> None:
    """A missing folder: exit code 74."""
    with pytest.raises(CannotWriteError, match="No such file or directory; choose another file"):
        write_json(tmp_path / "none" / "x.json", {})
