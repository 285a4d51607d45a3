"""Facts about stems in the window: what is kept of them, heard, shown and saved."""

from itertools import pairwise

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from streamseg.capture.choose import SourceOptions, file_source
from streamseg.errors import UsageError
from streamseg.mask_run import MaskRun
from streamseg.messages import Mask
from streamseg.models import StemJob, load_stem_network
from streamseg.settings import load
from streamseg.stages import SourceFront
from streamseg.view.export import Region
from streamseg.view.region_sound import pieces
from streamseg.view.stem_spool import StemSpool

pytestmark = pytest.mark.usefixtures("patient")
RATE_HZ = 48_000
STEMS = ("drums", "bass", "other", "vocals")
BEGIN_S, SONG_S = 26.6, 4.0  # of the demo programme: its song


@pytest.fixture(scope="module")
def network():
    """The shipped one."""
    return load_stem_network("stem_unet_small", "cpu")


@pytest.fixture(scope="module")
def song(demo_path):
    """A piece of music, (n, 2), to 16 bits."""
    start, count = round(BEGIN_S * RATE_HZ), round(SONG_S * RATE_HZ)
    sound, _ = soundfile.read(demo_path, frames=count, start=start, dtype="int16")
    return sound


@pytest.fixture(scope="module")
def masks(network, song):
    """What the network draws of it, as it comes while the song plays."""
    front = SourceFront("studio", network.card, network.grid(RATE_HZ), 0.2)
    stream, made = network.open(RATE_HZ), []
    mono = (song.astype(np.float32) / 32768).mean(axis=1)
    spectra = [one for piece in np.split(mono, 20) for one in front.push(piece)]
    for one in spectra + front.finish(network.flush_frames, network.least_frames):
        made += network.run([StemJob(stream, one)])[0]
    return made


@pytest.fixture
def drawn(make_station, song, masks):
    """A station that has heard the song and its masks."""
    from streamseg.messages import Block

    station = make_station(rate_hz=RATE_HZ)
    stereo = song.astype(np.float32) / 32768
    for start in range(0, len(stereo), 4800):
        part = stereo[start : start + 4800]
        station.feed.tap("studio", Block(part.mean(axis=1), start, part))
    station.sample = len(stereo)
    for mask in masks:
        station.feed.mask(mask)
    station.settle()
    return station


def kept_by_the_command(network, song, path, stem):
    """What ``streamseg mask -m stem_unet_small --keep STEM`` writes."""
    soundfile.write(path, song, RATE_HZ, subtype="PCM_16")
    source = file_source(str(path), SourceOptions(), load(environment={}).settings.capture)
    steps = list(MaskRun(source, network, (stem,)).steps())
    source.close()
    return np.concatenate([step.kept for step in steps])


@pytest.mark.parametrize("stem", STEMS)
def test_a_soloed_stem_is_what_the_command_keeps(drawn, network, song, tmp_path, stem, monkeypatch):
    """The same gains on the same frames, in pieces of any length; to the byte of a gain."""
    monkeypatch.setattr("streamseg.view.region_sound.PIECE_S", 0.7)
    expected = kept_by_the_command(network, song, tmp_path / "song.wav", stem)
    region = Region(0, len(song))
    found = np.concatenate(list(pieces(drawn.state, region, RATE_HZ, stem)))
    assert found.shape == expected.shape
    error = np.square(found - expected).mean() / np.square(expected).mean()
    assert 10 * np.log10(error) < -40


def test_a_stem_of_a_region_in_the_middle_is_that_of_the_whole(drawn):
    """Where the region begins changes nothing but its ends: its frames lie up to half a hop beside
    those of the whole, so the rest is 30 dB under.
    """
    whole = np.concatenate(list(pieces(drawn.state, Region(0, 4 * RATE_HZ), RATE_HZ, "drums")))
    start, stop = RATE_HZ + 123, 3 * RATE_HZ
    part = np.concatenate(list(pieces(drawn.state, Region(start, stop), RATE_HZ, "drums")))
    inner = slice(5000, -5000)
    expected = whole[start:stop][inner]
    error = np.square(part[inner] - expected).mean() / np.square(expected).mean()
    assert 10 * np.log10(error) < -30


def test_a_stem_without_masks_says_what_to_do(station):
    """Not silence, and not everything."""
    station.hear(np.zeros(16_000))
    station.settle()
    with pytest.raises(UsageError, match=r"model\.stems"):
        pieces(station.state, Region(0, 16_000), 16_000, "drums")


def fine(first_unit, values, step=1600):
    """A mask of four stems, two frequency units, a time unit of 0.1 s a value."""
    prob = np.tile(np.asarray(values, np.float32), (4, 2, 1))
    prob[1:] /= 2
    return Mask("a", STEMS, prob, np.array([100.0, 200]), first_unit * step, step / 16_000, True)


def test_the_spool_gives_back_gains_to_a_byte_across_its_turn(tmp_path):
    """Ten seconds of room: of thirteen the last ten are there, a hundred units."""
    spool = StemSpool(10.0, 16_000, tmp_path)
    values = np.linspace(0, 1, 130)
    for start in range(0, 130, 13):
        spool.write(fine(start, values[start : start + 13]))
    grid = spool.grid(0, 13 * 16_000)
    assert grid.first == 30.5 * 1600
    middle = grid.first + np.arange(100) * grid.step
    np.testing.assert_allclose(spool.gains("drums", middle)[1], values[30:], atol=1 / 127)
    np.testing.assert_allclose(spool.gains("vocals", middle)[0], values[30:] / 2, atol=1 / 127)
    small = StemSpool(10.0, 16_000, tmp_path)
    small.write(fine(0, [0.01]))
    assert small.gains("drums", np.array([800.0]))[0, 0] == pytest.approx(0.01, rel=0.04)


def test_a_hole_takes_the_nearest_mask_and_what_was_said_stays(tmp_path):
    """Masks left out, and said twice."""
    spool = StemSpool(10.0, 16_000, tmp_path)
    spool.write(fine(0, [0.25, 0.25]))
    spool.write(fine(6, [1.0, 1.0]))
    spool.write(fine(5, [0.0, 0.0, 0.0]))
    middle = 800.0 + np.arange(8) * 1600
    found = spool.gains("drums", middle)[0]
    np.testing.assert_allclose(found, [0.25] * 4 + [1.0] * 4, atol=1 / 127)
    assert spool.grid(0, 1) is not None
    assert spool.grid(16_000 * 5, 16_000 * 6) is None


@given(cuts=st.lists(st.integers(1, 59), max_size=8))
@settings(max_examples=25, deadline=None)
def test_the_split_of_the_masks_changes_nothing(cuts):
    """However the network hands them over."""
    values = np.random.default_rng(3).random(60)
    whole, cut = StemSpool(5.0, 16_000), StemSpool(5.0, 16_000)
    whole.write(fine(0, values))
    ends = sorted({0, 60, *cuts})
    for start, stop in pairwise(ends):
        cut.write(fine(start, values[start:stop]))
    assert cut.grid(0, 96_000).first == whole.grid(0, 96_000).first
    middle = cut.grid(0, 96_000).first + np.arange(50) * 1600
    np.testing.assert_array_equal(cut.gains("bass", middle), whole.gains("bass", middle))


def test_a_full_disk_is_told_and_ends_nothing(tmp_path):
    """The masks are drawn on; a stem can no longer be heard."""
    spool = StemSpool(10.0, 16_000, tmp_path / "nowhere")
    spool.write(fine(0, [0.5]))
    spool.write(fine(1, [0.5]))
    assert "nowhere" in spool.problem or "No such" in spool.problem
    assert spool.grid(0, 16_000) is None
