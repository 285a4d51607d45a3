"""The command that compares networks, with analysers that need none."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from streamseg.evaluation import __main__ as command
from streamseg.evaluation import comparison
from streamseg.evaluation.analyser import CLASSES, Analyser, Heard
from streamseg.evaluation.per_clip import ClipAnswer, answer_clip


def says(label: str) -> Heard:
    """Three answers, all sure of one class."""
    prob = np.zeros((3, 3), np.float32)
    prob[:, CLASSES.index(label)] = 1.0
    return Heard(np.arange(3) * 0.7, prob, np.full(3, -20.0, np.float32), (), 48000)


def analyser(model: str) -> Analyser:
    """``knows`` is always right, ``deaf`` calls everything music."""
    return lambda path: says("music" if model == "deaf" else path.stem.split("_")[0])


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Six clips of each class."""
    rows = [f"{label}_{number}.opus,eval,{label}" for label in CLASSES for number in range(6)]
    (tmp_path / "manifest.csv").write_text("\n".join(["path,split,class", *rows]))
    monkeypatch.setattr(command, "network_analyser", analyser)
    return tmp_path


def test_compare_prints_accuracy_and_the_test(corpus: Path) -> None:
    """Six speech clips make the difference of two classes, twelve that of three."""
    figures = corpus / "figures.json"
    chosen = ["-m", "knows", "-m", "deaf", "--json", str(figures)]
    result = CliRunner().invoke(
        command.main, ["compare", str(corpus), *chosen], catch_exceptions=False
    )
    assert result.exit_code == 0
    assert "McNemar" in result.output
    record = json.loads(figures.read_text("utf-8"))
    pair = record["accuracy"]["music against speech"]
    assert pair["knows"]["per_clip"] == pair["knows"]["per_segment"] == 1.0
    assert (pair["deaf"]["right"], pair["deaf"]["clips"]) == (6, 12)
    assert record["accuracy"]["three classes"]["deaf"]["per_clip"] == pytest.approx(1 / 3, abs=1e-5)
    two, three = record["differences"]
    assert (two["only_one"], two["only_other"]) == (6, 0)
    assert two["p"] == pytest.approx(2 / 2**6)
    assert three["p"] == pytest.approx(2 / 2**12)


def test_one_network_alone_is_only_measured(corpus: Path) -> None:
    """No pair, no test."""
    result = CliRunner().invoke(
        command.main, ["compare", str(corpus), "-m", "knows"], catch_exceptions=False
    )
    assert result.exit_code == 0
    assert "Accuracy" in result.output
    assert "McNemar" not in result.output


def test_p_values_are_held_against_all_pairs_of_a_question() -> None:
    """Three networks, three pairs: the smallest p counts three times."""

    def given(right: int) -> list[ClipAnswer]:
        found = ["music"] * right + ["speech"] * (10 - right)
        return [answer_clip("music", says(label)) for label in found]

    compared = comparison.compare({"a": given(10), "b": given(10), "c": given(3)})
    assert [(row.one, row.other) for row in compared[:3]] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert compared[0].difference.p_value == 1.0
    assert compared[1].p_holm == pytest.approx(3 * 2 / 2**7)


def test_classes_without_clips_show_a_dash() -> None:
    """Noise alone: nothing is asked of music against speech."""
    answers = {"a": [answer_clip("noise", says("noise"))]}
    assert comparison.comparison_record(answers, [])["accuracy"]["music against speech"] == {
        "a": {"clips": 0}
    }
    assert comparison.accuracy_table(answers).row_count == 2
