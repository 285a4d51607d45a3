"""Facts about mask networks at run time, on a small one with the real one's geometry."""

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from splits import SEEDS
from tiny_mask_network import BANDS, CLASSES, UNIT, WINDOW_BINS, WINDOW_FRAMES, window_graph, write

from streamseg.errors import ConfigError, ModelError
from streamseg.messages import Spectra
from streamseg.models import MaskJob, load_mask_network, load_network

RATE_HZ = 48_000
FRAMES = 40 * UNIT + 5
FEATURES = np.random.default_rng(0).normal(-50, 20, (FRAMES, BANDS)).astype(np.float32)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """The small network, ready to run."""
    return load_mask_network("window_mask", "cpu", write(tmp_path_factory.mktemp("models")))


def spectra(features, origin=0, source="a"):
    """Feature frames as the pipeline sends them."""
    power = np.ones(len(features), np.float32)
    return Spectra(source, features, power, np.empty(0), 0, origin)


def run(network, features, seed=None, origin=0):
    """All masks of one stream, for one random split or in one call."""
    stream = network.open(RATE_HZ)
    cuts = [] if seed is None else np.random.default_rng(seed).integers(0, len(features), 6)
    masks = []
    for piece in np.split(features, np.sort(cuts).astype(int)):
        masks += network.run([MaskJob(stream, spectra(piece, origin))])[0]
    return masks + network.finish(stream, "a", origin)


def final(masks):
    """The final units side by side."""
    return np.concatenate([mask.prob for mask in masks if mask.final], axis=2)


def sliding_windows(features):
    """Every 256 x 64 window through the network by itself: the map of the paper, step by step."""
    session = onnxruntime.InferenceSession(window_graph(), providers=["CPUExecutionProvider"])
    starts = range(0, len(features) - WINDOW_FRAMES + 1, UNIT)
    rows = range(0, BANDS - WINDOW_BINS + 1, UNIT)
    units = len(starts) + WINDOW_FRAMES // UNIT - 1
    sums, counts = np.zeros((3, BANDS // UNIT, units)), np.zeros((BANDS // UNIT, units))
    for start in starts:
        window = features[start : start + WINDOW_FRAMES]
        stack = np.stack([window[:, row : row + WINDOW_BINS] for row in rows])
        prob = session.run(["prob"], {"features": stack})[0].reshape(-1, 3)
        for row, one in zip(rows, prob, strict=True):
            place = np.s_[row // UNIT : row // UNIT + 4, start // UNIT : start // UNIT + 16]
            sums[:, *place] += one[:, None, None]
            counts[place] += 1
    return sums / counts


@settings(max_examples=10)
@given(seed=SEEDS)
def test_any_split_gives_the_map_of_the_naive_sliding_window(network, seed):
    """Tolerance 1e-5: float32 convolutions over other lengths add in another order."""
    expected = sliding_windows(FEATURES)
    assert expected.std() > 0.02, "windows that all look alike would show nothing"
    np.testing.assert_allclose(final(run(network, FEATURES, seed)), expected, atol=1e-5)


def test_streams_in_one_batch_do_not_touch_each_other(network):
    """A source gets the same masks alone and beside others of equal or other length."""
    inputs = [FEATURES[:400], FEATURES[200:600], FEATURES[7:300], FEATURES[:10]]
    alone = [network.run([MaskJob(network.open(RATE_HZ), spectra(f))])[0] for f in inputs]
    jobs = [MaskJob(network.open(RATE_HZ), spectra(f)) for f in inputs]
    together = network.run(jobs)
    assert [len(masks) for masks in together] == [2, 2, 2, 0]
    for one, other in zip(alone, together, strict=True):
        for mine, theirs in zip(one, other, strict=True):
            np.testing.assert_allclose(mine.prob, theirs.prob, atol=1e-6)


def test_masks_lie_where_their_frames_lie(network):
    """Unit u begins half a hop before the middle of frame 16 u, on the counter of the source."""
    origin = 1_000_000
    masks = [mask for mask in run(network, FEATURES, 3, origin) if mask.final]
    at = 0
    for mask in masks:
        begin_s = (128 * 16 * at + 256 - 64) / 44_100
        assert mask.sample == origin + round(begin_s * RATE_HZ)
        assert mask.unit_s == pytest.approx(16 * 128 / 44_100)
        at += mask.prob.shape[2]
    assert at == 40


def test_a_mask_names_its_classes_and_the_middles_of_its_units(network):
    """Twelve units of sixteen bins; the middle of the first lies at bin 7.5."""
    mask = run(network, FEATURES)[0]
    assert (mask.classes, mask.source) == (tuple(CLASSES), "a")
    assert mask.prob.shape == (3, 12, 25)
    assert mask.freq_hz[0] == pytest.approx(7.5 * 44_100 / 512)
    assert np.diff(mask.freq_hz) == pytest.approx(16 * 44_100 / 512)


def test_provisional_units_follow_the_final_ones_and_are_corrected(network):
    """Every unit is told early, again with each call, and once as final."""
    stream = network.open(RATE_HZ)
    told, finals = {}, {}
    masks = []
    for start in range(0, 640, 32):
        piece = FEATURES[start : start + 32]
        masks += network.run([MaskJob(stream, spectra(piece))])[0]
    masks += network.finish(stream, "a", 0)
    for mask in masks:
        first = round((mask.sample / RATE_HZ - 192 / 44_100) / mask.unit_s)
        for unit in range(mask.prob.shape[2]):
            assert first + unit not in finals, "nothing is said about a unit after its last word"
            (finals if mask.final else told)[first + unit] = mask.prob[:, :, unit]
    assert sorted(finals) == list(range(40))
    assert sorted(told) == list(range(1, 40))  # unit 0 is final with its only window


def test_a_stream_after_its_end_begins_anew(network):
    """Nothing of the stretch before is left in state, map or counters."""
    stream = network.open(RATE_HZ)
    network.run([MaskJob(stream, spectra(FEATURES[100:533]))])
    network.finish(stream, "a", 0)
    again = network.run([MaskJob(stream, spectra(FEATURES))])[0]
    fresh = network.run([MaskJob(network.open(RATE_HZ), spectra(FEATURES))])[0]
    for mine, theirs in zip(again, fresh, strict=True):
        np.testing.assert_array_equal(mine.prob, theirs.prob)


def test_less_than_a_window_gives_no_mask(network):
    """A unit is the mean over whole windows; there was none."""
    assert run(network, FEATURES[: WINDOW_FRAMES - 1]) == []
    assert final(run(network, FEATURES[:WINDOW_FRAMES])).shape[2] == 16


def test_a_mask_network_is_no_main_network(tmp_path):
    """The error says where it belongs, and the other way round it lists the masks."""
    with pytest.raises(ConfigError, match=r"'window_mask', which draws masks.*model\.mask"):
        load_network("window_mask", "cpu", write(tmp_path))
    with pytest.raises(ConfigError, match="expected a mask model of window_mask, got 'activity'"):
        load_mask_network("activity")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"map": None}, "expected a card with a map section"),
        ({"overlapping": True}, "expected classes that exclude each other"),
        ({"stride": 8}, "expected a stride of one unit"),
        (
            {"outputs": [{"name": "prob", "role": "confirmed", "lookahead_frames": 16}]},
            "expected one output without look-ahead",
        ),
    ],
)
def test_a_card_that_describes_no_map_is_refused(tmp_path, change, message):
    """The error names what the card lacks."""
    write(tmp_path, **change)
    with pytest.raises(ModelError, match=message):
        load_mask_network("window_mask", "cpu", tmp_path)


def test_a_window_of_broken_units_is_refused(tmp_path):
    """Sixteen does not go into 250."""
    write(
        tmp_path, map={"unit_frames": 16, "unit_bins": 16, "window_frames": 250, "window_bins": 64}
    )
    with pytest.raises(ModelError, match="whole number of units"):
        load_mask_network("window_mask", "cpu", tmp_path)


def test_the_card_says_how_long_a_unit_waits(network):
    """A first word at once, the last one when the last window over it has passed: 240 frames."""
    assert network.card.lookahead_s("provisional") == 0
    assert network.card.lookahead_s("confirmed") == pytest.approx(240 * 128 / 44_100)
