"""Facts about the stem networks that ship: card and graph together, streaming, and real stems."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from signals import at_level, noise, sine
from splits import SEEDS, blocks

from streamseg.errors import ConfigError, ModelError
from streamseg.frontend import units
from streamseg.mask_run import MaskRun
from streamseg.messages import Block, Mask, StreamFormat
from streamseg.models import (
    BAND_STEMS,
    StemJob,
    StemNetwork,
    load_card,
    load_mask_network,
    load_stem_network,
)
from streamseg.stages import SourceFront

RATE_HZ = 44_100
NETWORKS = {stem: load_stem_network(stem, "cpu") for stem in BAND_STEMS}
DRUMS, BASS = 0, 1


def drawn(network, signal, seed=0, piece_s=0.75):
    """The masks of a whole signal, cut at random."""
    front = SourceFront("a", network.card, network.grid(RATE_HZ), piece_s)
    stream, masks = network.open(RATE_HZ), []
    spectra = [one for block in blocks(signal, seed) for one in front.push(block)]
    for one in spectra + front.finish(network.flush_frames, network.least_frames):
        masks += network.run([StemJob(stream, one)])[0]
    masks += network.finish(stream, "a", 0)
    assert all(mask.final for mask in masks)
    prob = np.concatenate([mask.prob for mask in masks], axis=2)
    first = masks[0]
    return Mask("a", first.classes, prob, first.freq_hz, first.sample, first.unit_s, True)


def curve_of(network, signal, seed=0, piece_s=0.75):
    """The boundary curve of a whole signal, cut at random, and the sample of its frame 0."""
    front = SourceFront("a", network.card, network.grid(RATE_HZ), piece_s)
    stream, curves = network.open(RATE_HZ), []
    spectra = [one for block in blocks(signal, seed) for one in front.push(block)]
    for one in spectra + front.finish(network.curve_flush_frames, network.least_frames):
        curves.append(network.answers([StemJob(stream, one)])[0].curve)
    said = [curve for curve in curves if curve is not None]
    return np.concatenate([curve.prob for curve in said]), said[0].sample


@pytest.fixture(scope="module")
def band():
    """Six seconds: plucked low notes, two a second, and strokes of noise, four a second."""
    notes = np.zeros(6 * RATE_HZ, np.float32)
    strokes = np.zeros(6 * RATE_HZ, np.float32)
    hiss = noise("white", 6.0, RATE_HZ, seed=2)
    time_s = np.arange(RATE_HZ // 2) / RATE_HZ
    for index, start in enumerate(range(0, len(notes), len(time_s))):
        hz = (41.2, 55.0, 61.7, 49.0)[index % 4]
        tones = sum(np.sin(2 * np.pi * hz * part * time_s) / part for part in (1, 2, 3, 4))
        notes[start : start + len(time_s)] = tones * np.exp(-time_s / 0.3)
    for start in range(RATE_HZ // 4, len(strokes) - 10_000, RATE_HZ // 4):
        fade = np.exp(-np.arange(10_000) / 2500)
        strokes[start : start + 10_000] = hiss[start : start + 10_000] * fade
    return at_level(notes, -20), at_level(strokes, -24)


@pytest.mark.parametrize("stem", BAND_STEMS)
def test_card_and_graph_are_stems_of_a_stream(stem):
    """Four masks in 512 units, at most a million parameters, at most 0.6 s late."""
    network = NETWORKS[stem]
    card = network.card
    assert card.classes == ("drums", "bass", "other", "vocals")
    assert card.parameters <= 1_000_000
    assert network.flush_frames * card.hop_s + card.front_end.n_fft / 22_050 < 0.61
    assert len(network.freq_hz) == units.UNITS


@pytest.mark.parametrize("stem", BAND_STEMS)
@settings(max_examples=6, deadline=None)
@given(seed=SEEDS, piece_s=st.sampled_from([0.05, 0.2, 1.0, 3.3]))
def test_any_split_gives_the_same_masks(stem, band, seed, piece_s):
    """From samples through onnxruntime: 1e-3, float32 sums in other orders through layers."""
    network, signal = NETWORKS[stem], band[0] + band[1]
    got = drawn(network, signal, seed, piece_s)
    np.testing.assert_allclose(got.prob, drawn(network, signal).prob, atol=1e-3)


@pytest.mark.parametrize("stem", BAND_STEMS)
def test_every_frame_of_the_sound_has_its_masks_at_its_place(stem, band):
    """As many frames as hops in the sound, the first centred half a window behind its start."""
    network = NETWORKS[stem]
    mask = drawn(network, band[0])
    hops = len(band[0]) / RATE_HZ / network.card.hop_s
    assert abs(mask.prob.shape[2] - hops) <= 4
    grid = network.grid(RATE_HZ)
    assert grid.first_centre_s == pytest.approx(1024 / 22_050)
    assert mask.unit_s == pytest.approx(512 / 22_050)


@pytest.mark.parametrize("stem", BAND_STEMS)
def test_a_batch_of_sources_gives_each_its_own_masks(stem):
    """What else is in the batch does not matter: float32 sums in other orders, no more."""
    network = NETWORKS[stem]
    signals = [noise("pink", 2.0, RATE_HZ, seed) for seed in range(3)]
    fronts = [SourceFront(str(i), network.card, network.grid(RATE_HZ), 0.5) for i in range(3)]
    spectra = [front.push(signal) for front, signal in zip(fronts, signals, strict=True)]
    streams = [network.open(RATE_HZ) for _ in range(3)]
    for row in zip(*spectra, strict=True):
        together = network.run([StemJob(s, one) for s, one in zip(streams, row, strict=True)])
    alone = network.open(RATE_HZ)
    for one in spectra[1]:
        expected = network.run([StemJob(alone, one)])[0]
    np.testing.assert_allclose(together[1][0].prob, expected[0].prob, atol=1e-3)


@pytest.mark.parametrize("stem", BAND_STEMS)
def test_strokes_are_drums_and_low_notes_are_bass(stem, band):
    """Each alone, after two seconds: more than half of the power is given to the right stem, less
    than a tenth to the other.
    """
    network = NETWORKS[stem]
    for part, right, wrong in zip(band, (BASS, DRUMS), (DRUMS, BASS), strict=True):
        features = [
            one.features
            for one in SourceFront("a", network.card, network.grid(RATE_HZ), 0.5).push(part)
        ]
        bins = np.concatenate(features)[:, : units.BINS]
        power = units.sums(10 ** (bins / 10))
        masks = drawn(network, part).prob.transpose(0, 2, 1)[:, : len(power)]
        late = slice(86, None)
        shares = (masks[:, late] * power[late]).sum(axis=(1, 2)) / power[late].sum()
        assert shares[right] > 0.5
        assert shares[wrong] < 0.1


@pytest.mark.parametrize("stem", BAND_STEMS)
@settings(max_examples=6, deadline=None)
@given(seed=SEEDS, piece_s=st.sampled_from([0.05, 0.2, 1.0, 3.3]))
def test_any_split_gives_the_same_boundary_curve(stem, band, seed, piece_s):
    """A value a frame, in 0..1, the first in the middle of the first window."""
    network, signal = NETWORKS[stem], band[0] + band[1]
    got, sample = curve_of(network, signal, seed, piece_s)
    whole, _ = curve_of(network, signal)
    np.testing.assert_allclose(got, whole, atol=1e-3)
    assert abs(len(got) - len(signal) / RATE_HZ / network.card.hop_s) <= 4
    assert abs(sample - network.grid(RATE_HZ).centre(0, 0)) <= 1
    assert 0 <= got.min() <= got.max() <= 1


@pytest.mark.parametrize("stem", BAND_STEMS)
def test_the_boundary_curve_peaks_where_noise_follows_a_chord(stem):
    """Six seconds of a chord, six of pink noise: the peak lies within half a second of the cut."""
    network = NETWORKS[stem]
    chord = sum(sine(6.0, RATE_HZ, hz) for hz in (220, 277, 330)) / 3
    hiss = noise("pink", 6.0, RATE_HZ, seed=4)
    signal = np.concatenate((at_level(chord, -20), at_level(hiss, -20))).astype(np.float32)
    curve, sample = curve_of(network, signal)
    inside = slice(86, len(curve) - 86)  # two seconds from both ends
    at_s = (86 + int(np.argmax(curve[inside]))) * network.card.hop_s + sample / RATE_HZ
    assert abs(at_s - 6.0) < 0.5
    assert network.curve_flush_frames * network.card.hop_s < 3.0


class Sound:
    """A source with an end: mono, in blocks of a quarter of a second."""

    name, live, bad_samples, exhausted = "sound", False, 0, False

    def __init__(self, samples):
        self.samples, self.at = samples, 0

    def open(self):
        """Always works."""
        return StreamFormat(RATE_HZ, 1, "float32", "a test")

    def read(self, timeout_s):
        """The next block."""
        block = Block(self.samples[self.at : self.at + RATE_HZ // 4], self.at, None)
        self.at += RATE_HZ // 4
        self.exhausted = self.at >= len(self.samples)
        return block


@pytest.mark.parametrize("stem", BAND_STEMS)
def test_keeping_the_drums_keeps_strokes_and_takes_the_tone_away(stem, band):
    """As ``streamseg mask --keep drums``: less than half of the tone is left."""
    tone, strokes = band
    steps = MaskRun(Sound(tone + strokes), NETWORKS[stem], ["drums"]).steps()
    kept = np.concatenate([step.kept for step in steps])[:, 0]
    assert len(kept) == len(tone)
    late = slice(2 * RATE_HZ, None)
    left = np.sum((kept[late] - strokes[late]) ** 2)
    assert left < 0.5 * np.sum(tone[late] ** 2)


def test_kinds_of_networks_are_not_mistaken_for_each_other():
    """The errors say which networks would fit."""
    with pytest.raises(ConfigError, match="expected a stem model of stem_unet_small"):
        load_stem_network("window_mask")
    with pytest.raises(ConfigError, match="keeps up with live sound"):
        load_stem_network("stem_unet", live=True)
    with pytest.raises(ConfigError, match="expected a mask model of window_mask"):
        load_mask_network("stem_unet_small")
    with pytest.raises(ModelError, match="window_mask: expected no map of windows of stems"):
        StemNetwork(load_card("window_mask"), None)


def test_the_network_of_clips_is_a_stream_too(band):
    """Three seconds through the paper's U-Net, from samples: any split gives the same masks, a
    frame a hop, four in 512 units; a held low tone is the bass, what is high in a stroke is drums.
    """
    network = load_stem_network("stem_unet", "cpu")
    assert network.card.parameters == 8_967_941
    count = 3 * RATE_HZ
    strokes = band[1][:count]
    tone = at_level(sine(3.0, RATE_HZ, 80), -20)
    got = drawn(network, tone + strokes, seed=1, piece_s=0.2)
    whole = drawn(network, tone + strokes, piece_s=3.3)
    np.testing.assert_allclose(got.prob, whole.prob, atol=1e-3)
    assert got.sample == whole.sample
    front = network.card.front_end
    frames = int(count / RATE_HZ / network.card.hop_s)
    assert got.prob.shape[:2] == (4, units.UNITS)
    assert got.prob.shape[2] >= frames
    assert network.card.lookahead_s("confirmed") < 168 * front.hop_s
    at_tone = int(np.argmin(np.abs(network.freq_hz - 80)))
    held = np.median(got.prob[:, at_tone, 43:frames], axis=1)
    assert held[BASS] > 2 * held[DRUMS]
    high = np.median(got.prob[:, network.freq_hz > 4000, 43:frames].max(axis=2), axis=1)
    assert high[DRUMS] > max(0.5, high[BASS])
