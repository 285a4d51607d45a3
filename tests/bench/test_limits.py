"""What streamseg is compared with does the same work."""

import math

import numpy as np
import pytest
import signals

from streamseg.bench.limits import naive_over_streaming, scipy_features
from streamseg.bench.measure import RATE_HZ
from streamseg.frontend.features import FeatureStream
from streamseg.frontend.spec import FrontEndSpec
from streamseg.models import load_card
from streamseg.models.session import Session, initial_state
from streamseg.resources import models_dir


def test_scipys_features_are_those_of_the_stream() -> None:
    """Frame by frame the same decibels: neither side saves itself a step."""
    spec = FrontEndSpec(RATE_HZ, 1024, 480, 40, 40.0, 8000.0, -100.0)
    sound = signals.music(2.0, RATE_HZ)
    stream = FeatureStream(spec, RATE_HZ).push(sound).features
    batch = scipy_features(spec, sound)
    assert batch.shape == stream.shape
    np.testing.assert_allclose(batch, stream, atol=0.01)


@pytest.mark.parametrize("stem", ["activity", "frame_conv", "window_mask"])
def test_the_sliding_window_gives_the_answer_of_the_stream(stem: str) -> None:
    """A window of the receptive field, run from the start, ends with the same probability."""
    card = load_card(stem)
    session = Session(models_dir() / f"{stem}.onnx", card, "cpu")
    window = math.ceil(card.receptive_field_s / card.hop_s) * card.stride
    rng = np.random.default_rng(2)
    frames = window + 40 * card.stride
    shape = (1, frames, card.front_end.n_mels)
    features = (rng.normal(size=shape) * 10 - 50).astype(np.float32)
    whole = session.run(features, initial_state(card, 1))[0]
    alone = session.run(features[:, -window:], initial_state(card, 1))[0]
    for stream, one in zip(whole, alone, strict=True):
        np.testing.assert_allclose(one[:, -1], stream[:, -1], atol=1e-4)
    assert naive_over_streaming(card, 1) > 1
