"""Facts about the mask networks that ship: card and graph together, streaming, and real masks."""

import json

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from signals import at_level, music, noise
from splits import SEEDS, blocks

from streamseg.masking import keep_classes
from streamseg.messages import Mask, Spectra
from streamseg.models import MASK_STEMS, MaskJob, load_card, load_mask_network
from streamseg.resources import models_dir
from streamseg.stages import SourceFront

RATE_HZ = 44_100
NETWORKS = {stem: load_mask_network(stem, "cpu") for stem in MASK_STEMS}


def drawn(network, signal, seed=0, piece_s=0.75):
    """The final mask of a whole signal, cut at random."""
    front = SourceFront("a", network.card, network.grid(RATE_HZ), piece_s)
    stream, masks = network.open(RATE_HZ), []
    spectra = [one for block in blocks(signal, seed) for one in front.push(block)]
    for one in spectra + front.finish(network.flush_frames, network.least_frames):
        masks += network.run([MaskJob(stream, one)])[0]
    masks += network.finish(stream, "a", 0)
    final = [mask for mask in masks if mask.final]
    prob = np.concatenate([mask.prob for mask in final], axis=2)
    return Mask(
        "a", final[0].classes, prob, final[0].freq_hz, final[0].sample, final[0].unit_s, True
    )


@pytest.fixture(scope="module")
def song():
    """Four seconds."""
    return at_level(music(4.0, RATE_HZ, seed=1), -20)


@pytest.fixture(scope="module")
def rain():
    """As loud as the song."""
    return at_level(noise("rain", 4.0, RATE_HZ, seed=1), -20)


@pytest.mark.parametrize("stem", MASK_STEMS)
@settings(max_examples=8)
@given(seed=SEEDS, piece_s=st.sampled_from([0.05, 0.2, 1.0, 3.3]))
def test_any_split_gives_the_same_mask(stem, song, rain, seed, piece_s):
    """From samples through onnxruntime: 1e-3, float32 sums in other orders through five layers."""
    network, signal = NETWORKS[stem], song + rain
    got = drawn(network, signal, seed, piece_s)
    np.testing.assert_allclose(got.prob, drawn(network, signal).prob, atol=1e-3)


@pytest.mark.parametrize("stem", MASK_STEMS)
def test_a_batch_of_sources_gives_each_its_own_mask(stem):
    """What else is in the batch does not matter."""
    network, rng = NETWORKS[stem], np.random.default_rng(0)
    frames = 2 * network.least_frames
    bands = network.card.front_end.n_mels
    inputs = rng.normal(-40, 15, (4, frames, bands)).astype(np.float32)

    def job(features):
        power = np.ones(frames, np.float32)
        return MaskJob(network.open(RATE_HZ), Spectra("a", features, power, np.empty(0), 0, 0))

    together = network.run([job(features) for features in inputs])
    for features, got in zip(inputs, together, strict=True):
        alone = network.run([job(features)])[0]
        for mine, theirs in zip(got, alone, strict=True):
            np.testing.assert_allclose(mine.prob, theirs.prob, atol=1e-4)


@pytest.mark.parametrize("stem", MASK_STEMS)
def test_card_and_graph_agree(stem):
    """Shapes of state, bands, positions and classes are those of the card; others are dynamic."""
    card = load_card(stem)
    assert card.map is not None
    model = onnx.load(models_dir() / f"{stem}.onnx")
    onnx.checker.check_model(model)
    inputs = {value.name: dims(value) for value in model.graph.input}
    outputs = {value.name: dims(value) for value in model.graph.output}
    assert inputs["features"][2] == card.front_end.n_mels
    assert not isinstance(inputs["features"][0], int)
    assert not isinstance(inputs["features"][1], int)
    for state in card.state:
        assert tuple(inputs[state.name][1:]) == state.shape
        assert f"next_{state.name}" in outputs
    weights = sum(int(np.prod(tensor.dims)) for tensor in model.graph.initializer)
    assert card.parameters <= weights * 1.05


def dims(value):
    """Sizes of the axes, names where they are dynamic."""
    shape = value.type.tensor_type.shape.dim
    return [dim.dim_value if dim.HasField("dim_value") else dim.dim_param for dim in shape]


@pytest.mark.parametrize("stem", MASK_STEMS)
def test_the_card_names_every_licence(stem):
    """Every source of training data has one, and there are figures."""
    card = load_card(stem)
    assert card.training.data
    assert all(source.licence.strip() for source in card.training.data)
    assert card.figures, "a card without figures says nothing about how well the network hears"
    json.dumps(card.figures, allow_nan=False)


def test_the_window_is_that_of_the_paper():
    """64 x 256 pixels of 5.5 kHz by 0.74 s, shifted by 16; nine positions along frequency."""
    card = load_card("window_mask")
    front, spec = card.front_end, card.map
    assert spec is not None
    assert (front.rate_hz, front.n_fft, front.hop) == (44_100, 512, 128)
    assert (spec.window_bins, spec.window_frames) == (64, 256)
    assert (spec.unit_bins, spec.unit_frames) == (16, 16)
    assert (front.n_mels - spec.window_bins) // spec.unit_bins + 1 == 9


def test_an_endless_stream_does_not_drift():
    """The same second of sound draws the same mask after two minutes as after ten seconds."""
    network = NETWORKS["window_mask"]
    # A whole number of units long, so that every turn lies on the same grid.
    turn = at_level(music(3.0, RATE_HZ, seed=3), -20)[: 2048 * 43]
    prob = drawn(network, np.tile(turn, 60)).prob
    early, late = prob[:, :, 43 * 5 : 43 * 6], prob[:, :, 43 * 57 : 43 * 58]
    np.testing.assert_allclose(late, early, atol=1e-4)


def si_sdr_db(estimate, target):
    """Scale-invariant signal-to-distortion ratio (Le Roux and others, 2019)."""
    part = np.dot(estimate, target) / np.dot(target, target) * target
    return 10 * np.log10(np.sum(part**2) / np.sum((estimate - part) ** 2))


@pytest.mark.parametrize("keep", ["music", "noise"])
def test_keeping_a_class_of_a_mixture_brings_it_out(song, rain, keep):
    """A song and rain at 0 dB: what is kept is cleaner than the mixture."""
    mixture, network = song + rain, NETWORKS["window_mask"]
    target = song if keep == "music" else rain
    kept = keep_classes(mixture, RATE_HZ, drawn(network, mixture), [keep])
    assert si_sdr_db(kept, target) > si_sdr_db(mixture, target) + 0.5


def test_a_clean_sound_is_kept_nearly_whole(song, rain):
    """Alone, each loses less than 2 dB when its own class is kept."""
    network = NETWORKS["window_mask"]
    for sound, name in ((song, "music"), (rain, "noise")):
        kept = keep_classes(sound, RATE_HZ, drawn(network, sound), [name])
        lost_db = 10 * np.log10(np.mean(sound**2) / np.mean(kept**2))
        assert lost_db < 2, (name, lost_db)
