"""Facts about the masks of the shipped network in the picture: the demo programme, really drawn."""

import csv

import numpy as np
import pytest
import soundfile
from view_pictures import pixels

from streamseg.models import MaskJob, load_mask_network
from streamseg.stages import SourceFront

pytestmark = pytest.mark.usefixtures("patient")
BEGIN_S, SPAN_S = 33.0, 12.0  # the end of the song, and the first sentences of the second voice
MORE_S = 1.0
PIECE_S = 0.2
RATE_HZ = 48_000
SIZE = round(PIECE_S * RATE_HZ)


@pytest.fixture(scope="module")
def pieces(demo_path):
    """Sound of 0.2 s, and the masks that the shipped network had said when it was heard."""
    count = round((SPAN_S + MORE_S) * RATE_HZ)
    stereo, _ = soundfile.read(demo_path, frames=count, start=round(BEGIN_S * RATE_HZ))
    network = load_mask_network("window_mask", "cpu")
    front = SourceFront("studio", network.card, network.grid(RATE_HZ), PIECE_S)
    stream = network.open(RATE_HZ)
    made = []
    for sound in np.split(stereo.mean(axis=1).astype(np.float32), round(count / SIZE)):
        spectra = front.push(sound)
        masks = [mask for one in spectra for mask in network.run([MaskJob(stream, one)])[0]]
        made.append((sound, masks))
    return made


class Drawing:
    """A station whose sound is masked."""

    def __init__(self, station, pieces):
        self.station, self.left = station, list(pieces)

    def hear(self, seconds):
        """So much more; of its last 0.7 s nothing is final yet."""
        for _ in range(round(seconds / PIECE_S)):
            sound, masks = self.left.pop(0)
            self.station.hear(sound, block=SIZE)
            for mask in masks:
                self.station.state.show_mask(mask)


@pytest.fixture
def drawing(make_station, pieces):
    """Twelve seconds of the demo programme, and one in reserve."""
    made = Drawing(make_station(rate_hz=RATE_HZ), pieces)
    made.hear(SPAN_S)
    made.station.catch_up()
    return made


@pytest.fixture
def window(make_window, drawing):
    """All of it in one picture that stands still."""
    window = make_window(drawing.station.state)
    window.commands.set_span(SPAN_S)
    window.commands.freeze()
    window.tick()
    return window


def columns(window, start_s, stop_s):
    """The picture between two moments: red, green, blue as (height, width, 3) int."""
    panel = window.spectrogram
    plot = panel.plot()
    left, right = (round(panel.x_of(moment)) for moment in (start_s, stop_s))
    return pixels(panel)[plot.top() : plot.bottom(), left:right].astype(int)


def blueness(picture):
    """Blue over red: the colour of music is positive, that of speech negative, grey is nothing."""
    return float((picture[..., 2] - picture[..., 0]).mean())


def on_air(demo_path, label):
    """The stretches of a label in the reference, in seconds of the excerpt, those in it."""
    with demo_path.with_suffix(".csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["label"] == label]
    ends = [(float(row["start_s"]) - BEGIN_S, float(row["end_s"]) - BEGIN_S) for row in rows]
    return [(max(0, a), min(SPAN_S, b)) for a, b in ends if b > 0 and a < SPAN_S]


def test_music_and_speech_lie_in_their_colours_where_they_sound(window, demo_path):
    """By the reference of the demo; half a second at a border belongs to nobody."""
    for label, sign in (("music", 1), ("speech", -1)):
        ((start_s, stop_s),) = on_air(demo_path, label)
        assert sign * blueness(columns(window, start_s + 0.5, stop_s - 1.0)) > 10


def test_a_class_that_is_switched_off_leaves_its_place_grey(window, demo_path):
    """And the other one as it was."""
    ((start_s, stop_s),) = on_air(demo_path, "speech")
    voice = columns(window, start_s + 0.5, stop_s - 1.0)
    window.commands._mask("speech")
    window.commands._mask("noise")
    window.tick()
    assert abs(blueness(columns(window, start_s + 0.5, stop_s - 1.0))) < 0.3 * abs(blueness(voice))
    ((start_s, stop_s),) = on_air(demo_path, "music")
    assert blueness(columns(window, start_s + 0.5, stop_s - 0.5)) > 10


def test_units_that_may_still_change_are_lighter_until_they_are_final(window, drawing):
    """A second later the same columns of the frozen picture have the full colour."""
    early = columns(window, SPAN_S - 0.55, SPAN_S - 0.1)
    old = columns(window, 0.0, SPAN_S - 1.0)
    drawing.hear(MORE_S)
    drawing.station.settle()
    window.tick()
    final = columns(window, SPAN_S - 0.55, SPAN_S - 0.1)
    assert -blueness(final) > 1.3 * -blueness(early) > 1
    np.testing.assert_array_equal(columns(window, 0.0, SPAN_S - 1.0), old)
