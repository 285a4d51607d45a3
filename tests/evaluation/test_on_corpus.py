"""Facts about how well the shipped networks hear, on real recordings where they are at hand."""

import functools

from streamseg.evaluation.__main__ import evaluate_programmes
from streamseg.evaluation.analyser import network_analyser
from streamseg.evaluation.truth import read_programmes

WANTED = {"clean", "clipped"}


def test_the_flagship_hears_real_programmes(corpus):
    """Clean and clipped broadcasts stay above what docs/results.md says, less a little."""
    wanted = [p for p in read_programmes(corpus / "programmes") if p.condition in WANTED]
    scores = evaluate_programmes(wanted, network_analyser("activity"))
    total = functools.reduce(lambda one, other: one + other, scores.values())
    assert set(scores) == WANTED
    assert total.one_class.f1.mean() > 0.94
    assert total.multi_label.f1.mean() > 0.92
    assert total.silence_false_alarms < 0.01
