"""Facts about the genre network that ships: card and graph, streaming, what it hears of stems."""

import itertools
import json

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from signals import at_level, music
from splits import SEEDS, blocks

from streamseg.errors import ConfigError, ModelError
from streamseg.frontend import units
from streamseg.frontend.linear import LogPower
from streamseg.frontend.mel import LogMel
from streamseg.messages import STEP, Mask, Spectra
from streamseg.models import (
    GENRE_STEMS,
    GenreJob,
    GenreNetwork,
    StemJob,
    load_any,
    load_card,
    load_genre_network,
    load_stem_network,
)
from streamseg.models.stem_genre import MOST_WAITING, StemMel
from streamseg.resources import models_dir
from streamseg.stages import SourceFront

RATE_HZ = 44_100
NETWORK = load_genre_network("stem_genre", "cpu")
FRAMES, STEP_FRAMES = NETWORK.spec.frames, NETWORK.card.stride
CLASSES = ("drums", "bass", "other", "vocals")
LATE = 8


def spectra(features, first=0, origin=0):
    """Feature frames as a record."""
    power = np.zeros(len(features), np.float32)
    return Spectra("a", features, power, np.empty(0, STEP), first, origin)


def mask(prob):
    """Frames of masks (4, 512, frames) as a record."""
    return Mask("a", CLASSES, prob, np.arange(512.0), 0, 512 / 22_050, True)


def heard(seed, frames):
    """Decibels of a mixture and masks that change along time: something to tell apart."""
    rng = np.random.default_rng(seed)
    level = rng.normal(-10, 8, (frames // 20 + 1, 1024)).repeat(20, axis=0)[:frames]
    features = (level + rng.normal(0, 3, (frames, 1024))).astype(np.float32)
    prob = rng.random((4, 512, frames // 30 + 1)).repeat(30, axis=2)[:, :, :frames]
    return features, prob.astype(np.float32)


def answers(features, prob, cuts, network=NETWORK, stream=None):
    """Frames and masks, cut at these frames, the masks late by eight."""
    stream = stream or network.open("a", RATE_HZ)
    said, masked = [], 0
    edges = [0, *sorted(cuts), len(features)]
    for start, end in itertools.pairwise(edges):
        ready = end if end == len(features) else max(0, end - LATE)
        masks = [mask(prob[:, :, masked:ready])] if ready > masked else []
        masked = max(masked, ready)
        said += network.run([GenreJob(stream, [spectra(features[start:end], start)], masks)])[0]
    return said


def test_the_card_says_what_the_network_is_and_the_graph_is_that():
    """Six classes that exclude each other, ten seconds of three stems, a word every 2.5 s."""
    card = NETWORK.card
    assert len(card.classes) == 6
    assert set(NETWORK.spec.stems) == {"bass", "drums", "other"}
    assert NETWORK.window_s == pytest.approx(10.6, abs=0.1)
    assert NETWORK.step_s == pytest.approx(2.5, abs=0.1)
    assert card.parameters <= 200_000
    model = onnx.load(models_dir() / "stem_genre.onnx")
    onnx.checker.check_model(model)
    shape = model.graph.input[0].type.tensor_type.shape.dim
    assert [dim.dim_value for dim in shape[1:]] == [3, NETWORK.spec.bands, FRAMES]
    assert shape[0].dim_param
    weights = sum(int(np.prod(tensor.dims)) for tensor in model.graph.initializer)
    assert card.parameters <= weights * 1.05


def test_the_card_does_not_hide_that_all_of_its_music_is_generated():
    """Title, deviations and figures say so, and every source has its licence."""
    card = NETWORK.card
    assert "generated" in card.title
    assert "generated" in card.deviations[0]
    assert "generated" in card.figures["data"]
    assert all(source.licence.strip() for source in card.training.data)
    json.dumps(card.figures, allow_nan=False)


@settings(max_examples=12, deadline=None)
@given(cuts=st.lists(st.integers(0, 900), max_size=12), seed=st.integers(0, 3))
def test_any_split_gives_the_same_answers_at_the_same_places(cuts, seed):
    """Frames and masks in any pieces against both in one call: float32 sums in other orders."""
    features, prob = heard(seed, 900)
    whole = answers(features, prob, [])
    got = answers(features, prob, cuts)
    assert [(one.sample, one.end) for one in got] == [(one.sample, one.end) for one in whole]
    assert len(got) == (900 - FRAMES) // STEP_FRAMES + 1
    for one, expected in zip(got, whole, strict=True):
        np.testing.assert_allclose(one.prob, expected.prob, atol=1e-4)
        assert one.prob.sum() == pytest.approx(1, abs=1e-5)


def test_an_answer_lies_where_its_ten_seconds_lie():
    """The first from the beginning of frame 0, the next one step on, in samples of the source."""
    features, prob = heard(1, FRAMES + STEP_FRAMES)
    first, second = answers(features, prob, [])
    grid = NETWORK.grid(RATE_HZ)
    assert first.source == "a"
    assert first.sample == grid.start(0, 0)
    assert first.end == grid.start(0, FRAMES)
    assert second.sample == grid.start(0, STEP_FRAMES)
    assert (first.end - first.sample) / RATE_HZ == pytest.approx(NETWORK.window_s, abs=0.001)


def test_an_answer_counts_from_the_sample_at_which_the_stretch_began():
    """The origin of the spectra moves it."""
    features, prob = heard(1, FRAMES)
    job = GenreJob(NETWORK.open("a", RATE_HZ), [spectra(features, 0, 5000)], [mask(prob)])
    assert NETWORK.run([job])[0][0].sample == NETWORK.grid(RATE_HZ).start(5000, 0)


def test_a_batch_of_sources_gives_each_its_own_answers():
    """What else is in the batch does not matter, nor does a source that has nothing new."""
    sounds = [heard(seed, FRAMES + 3) for seed in range(3)]
    jobs = [
        GenreJob(NETWORK.open(str(n), RATE_HZ), [spectra(features)], [mask(prob)])
        for n, (features, prob) in enumerate(sounds)
    ]
    jobs.insert(1, GenreJob(NETWORK.open("idle", RATE_HZ), [], []))
    together = NETWORK.run(jobs)
    assert [len(one) for one in together] == [1, 0, 1, 1]
    for (features, prob), (got,) in zip(sounds, together[:1] + together[2:], strict=True):
        alone = answers(features, prob, [])[0]
        np.testing.assert_allclose(got.prob, alone.prob, atol=1e-5)
    assert together[2][0].source == "1"


def test_gain_alone_changes_no_answer():
    """Decibels count from the loudest of the window."""
    features, prob = heard(2, FRAMES)
    loud = answers(features + 12, prob, [])[0]
    np.testing.assert_allclose(loud.prob, answers(features, prob, [])[0].prob, atol=1e-3)


def test_masks_change_the_answer():
    """It hears stems and not the mixture: all power to the drums is another picture."""
    features, prob = heard(2, FRAMES)
    drums = np.zeros_like(prob)
    drums[CLASSES.index("drums")] = 1
    vocals = prob.copy()
    vocals[CLASSES.index("vocals")] = 0
    one, other = (answers(features, each, [])[0].prob for each in (prob, drums))
    assert np.abs(one - other).max() > 0.001
    np.testing.assert_array_equal(one, answers(features, vocals, [])[0].prob)


def test_silence_is_no_kind_of_music():
    """Nothing is said of windows in which all is silent, and the next ones keep their places."""
    features, prob = heard(3, 3 * FRAMES)
    features[:FRAMES] = NETWORK.card.front_end.floor_db
    said = answers(features, prob, [700])
    first = said[0].sample
    assert first > 0
    wanted = [NETWORK.grid(RATE_HZ).start(0, frame) for frame in range(0, 900, STEP_FRAMES)]
    assert all(one.sample in wanted for one in said)
    silent = np.full((FRAMES, 1024), NETWORK.card.front_end.floor_db, np.float32)
    assert answers(silent, prob[:, :, :FRAMES], []) == []


def test_a_finished_stream_begins_anew():
    """What was heard before does not matter any more."""
    features, prob = heard(4, FRAMES + 20)
    stream = NETWORK.open("a", RATE_HZ)
    answers(*heard(5, 300), [100], stream=stream)
    NETWORK.finish(stream)
    again = answers(features, prob, [50], stream=stream)
    fresh = answers(features, prob, [50])
    np.testing.assert_array_equal(again[0].prob, fresh[0].prob)
    assert again[0].sample == fresh[0].sample


def test_what_waits_is_bounded():
    """An endless stream keeps a window and the look-ahead; frames that never get masks are told."""
    stream = NETWORK.open("a", RATE_HZ)
    features, prob = heard(0, 100)
    for _ in range(40):
        NETWORK.run([GenreJob(stream, [spectra(features)], [mask(prob)])])
        assert len(stream.heard) < FRAMES
        assert len(stream.power) == 0
    for _ in range(MOST_WAITING // 100):
        NETWORK.run([GenreJob(stream, [spectra(features)], [])])
    with pytest.raises(ValueError, match=f"all but {MOST_WAITING} frames"):
        NETWORK.run([GenreJob(stream, [spectra(features)], [])])


def test_a_mask_without_its_frame_is_an_error():
    """Masks belong to frames that were given before or with them."""
    features, prob = heard(0, 100)
    job = GenreJob(NETWORK.open("a", RATE_HZ), [spectra(features[:90])], [mask(prob)])
    with pytest.raises(ValueError, match=r"at most 90 masks of a, .* got 100"):
        NETWORK.run([job])


def test_a_mask_of_one_leaves_the_mel_spectrogram_of_the_sound():
    """Within 1 dB of a mel front end in 98 of 100 places within 60 dB of the loudest: beside a
    strong line a unit of four bins gives its neighbour more.
    """
    sound = at_level(music(4.0, 22_050, seed=1), -20)
    features = LogPower(2048, 512, units.BINS, -80).push(sound)
    mel = StemMel(NETWORK.card.front_end, NETWORK.spec)
    got = mel.decibels(mel.power(features), np.ones((1, 1, 512), np.float32))[:, 0]
    want = LogMel(22_050, 2048, 512, 128, 0.0, 11_025.0, -100.0).push(sound)
    loud = want > want.max() - 60
    assert loud.mean() > 0.2
    assert np.quantile(np.abs(got[loud] - want[loud]), 0.98) < 1


def test_a_mask_of_a_half_takes_six_decibels():
    """A mask is a gain of the sound, so its square is that of the power."""
    features, _ = heard(0, 20)
    mel = StemMel(NETWORK.card.front_end, NETWORK.spec)
    gains = np.stack([np.ones((20, 512)), np.full((20, 512), 0.5)], axis=1).astype(np.float32)
    pictures = mel.decibels(mel.power(features), gains)
    np.testing.assert_allclose(pictures[:, 0] - pictures[:, 1], 6.0206, atol=1e-3)


@settings(max_examples=2, deadline=None)
@given(seed=SEEDS)
def test_from_samples_to_answers_through_the_stem_network(seed):
    """Fourteen seconds in any blocks: the answers of one long push, within 1e-3."""
    stems = load_stem_network("stem_unet_small", "cpu")
    song = at_level(music(14.0, RATE_HZ, seed=3), -20)

    def live(cut, piece_s):
        front = SourceFront("a", stems.card, stems.grid(RATE_HZ), piece_s)
        drawing, hearing, said = stems.open(RATE_HZ), NETWORK.open("a", RATE_HZ), []
        given = [one for block in cut for one in front.push(block)]
        for one in given + front.finish(stems.flush_frames, stems.least_frames):
            masks = stems.run([StemJob(drawing, one)])[0]
            said += NETWORK.run([GenreJob(hearing, [one], masks)])[0]
        return said

    whole, cut = live([song], 1000.0), live(blocks(song, seed), 0.3)
    assert len(whole) == 2
    for one, other in zip(whole, cut, strict=True):
        assert (one.sample, one.end) == (other.sample, other.end)
        np.testing.assert_allclose(one.prob, other.prob, atol=1e-3)


def test_networks_of_other_kinds_are_refused():
    """The errors say what would fit; those who only look at networks get it like any."""
    with pytest.raises(ConfigError, match="expected a genre model of stem_genre, got 'activity'"):
        load_genre_network("activity")
    with pytest.raises(ModelError, match="activity, which says no genre"):
        GenreNetwork(load_card("activity"), None)
    assert isinstance(load_any("stem_genre", "cpu"), GenreNetwork)
    assert list(GENRE_STEMS) == ["stem_genre"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"stride": 459}, "a stride of at most one picture"),
        ({"overlapping": True}, "classes that exclude each other"),
    ],
)
def test_a_card_that_does_not_fit_is_refused(change, said):
    """The message names the card and what was expected."""
    with pytest.raises(ModelError, match=f"stem_genre: expected {said}"):
        GenreNetwork(NETWORK.card.model_copy(update=change), None)
