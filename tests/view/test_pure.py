"""Facts about axes, colours, preferences, latency and pace: small parts without Qt."""

from datetime import UTC, datetime

import numpy as np
import pytest

from streamseg.view.axis import (
    FrequencyAxis,
    clock_text,
    note,
    rows_to_bins,
    rows_to_units,
    time_ticks,
)
from streamseg.view.display import BINS, BOTTOM_DB, STEP_DB, bin_edges_hz
from streamseg.view.history import MaskColumns
from streamseg.view.latency import ArrivalClock, Latencies
from streamseg.view.pace import Pace
from streamseg.view.prefs import Prefs, from_mapping, to_mapping
from streamseg.view.records import PixelColumns
from streamseg.view.render import Look, Painter


@pytest.mark.parametrize("scale", ["linear", "log", "mel"])
def test_a_frequency_axis_goes_there_and_back(scale):
    """Position and Hz are inverse to each other, the top is the top."""
    axis = FrequencyAxis(scale, 16_000)
    for hz in (50, 440, 3000, 15_999):
        assert float(axis.hz(axis.position(hz))) == pytest.approx(hz)
    assert float(axis.hz(1.0)) == pytest.approx(16_000)


@pytest.mark.parametrize("scale", ["linear", "log", "mel"])
def test_every_row_shows_the_bin_of_its_frequency(scale):
    """And nothing above half the rate."""
    axis = FrequencyAxis(scale, 12_000)
    bins = rows_to_bins(axis, 300, 16_000)
    edges = bin_edges_hz(16_000)
    hz = axis.hz(1 - (np.arange(300) + 0.5) / 300)
    inside = bins >= 0
    assert (hz[~inside] >= 8000).all()
    assert (edges[bins[inside]] <= hz[inside] + 1e-6).all()
    assert (hz[inside] <= edges[bins[inside] + 1] + 1e-6).all()


def test_mask_units_lie_at_their_frequency():
    """Four units up to 4 kHz; above them there is no mask."""
    axis = FrequencyAxis("linear", 8000)
    units = rows_to_units(axis, 80, np.array([500.0, 1500, 2500, 3500]))
    assert units[::-1].tolist() == [0] * 10 + [1] * 10 + [2] * 10 + [3] * 10 + [-1] * 40


@pytest.mark.parametrize(
    ("hz", "name"), [(440, "A4 +0"), (261.63, "C4 +0"), (450, "A4 +39"), (27.5, "A0 +0")]
)
def test_notes_have_their_names(hz, name):
    """Equal temperament, A4 at 440 Hz, the rest in cents."""
    assert note(hz) == name


def test_times_are_written_as_positions_or_as_time_of_day():
    """Hours only where there are some."""
    assert clock_text(65.25, None) == "01:05"
    assert clock_text(65.25, None, 2) == "01:05.25"
    assert clock_text(3725, None) == "1:02:05"
    begin = datetime(2026, 3, 1, 12, tzinfo=UTC)
    local = begin.astimezone().strftime("%H:")
    assert clock_text(65.5, begin, 1) == f"{local}01:05.5"


def test_ticks_are_round_and_not_crowded():
    """A minute on 1000 pixels: every ten seconds at the most."""
    ticks = time_ticks(-10, 50, 1000)
    assert ticks == [0, 10, 20, 30, 40, 50]


def test_ticks_of_a_time_of_day_are_round_too():
    """A source that began at 12:00:23.4 has them at full ten seconds of the clock."""
    begin = datetime(2026, 3, 1, 12, 0, 23, 400_000, tzinfo=UTC)
    ticks = time_ticks(0, 60, 1000, begin=begin)
    assert ticks == pytest.approx([6.6, 16.6, 26.6, 36.6, 46.6, 56.6])


def look(**changes):
    """Grey, linear, one row a quarter of the band."""
    values = {
        "axis": FrequencyAxis("linear", 8000),
        "height": 64,
        "rate_hz": 16_000,
        "low_db": -100.0,
        "high_db": 0.0,
        "lut": np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1),
        "map_name": "grey",
        "background": 0xFF102030,
        "pixel_ratio": 1.0,
        "opacity": 1.0,
        "shown": frozenset({"music", "speech", "noise"}),
    }
    return Look(**(values | changes))


def level(db):
    """Stored byte of a level."""
    return round((db - BOTTOM_DB) / STEP_DB)


def columns(db, mask=None, present=True):
    """Three columns of one level."""
    data = np.full((3, BINS), level(db), np.uint8)
    return PixelColumns(data, np.full(3, present), mask)


def mask_of(music, final):
    """Music everywhere, this sure."""
    prob = np.zeros((3, 3, 4), np.uint8)
    prob[:, 0] = round(255 * music)
    freq_hz = np.array([1000.0, 3000, 5000, 7000])
    names = ("music", "speech", "noise")
    return MaskColumns(names, freq_hz, prob, np.full(3, final), np.ones(3, np.bool_))


def test_levels_become_colours_between_the_chosen_limits():
    """-100 dB is black, 0 dB white, half is half."""
    picture = Painter(look()).paint(columns(-50), 0)
    assert picture.shape == (64, 3)
    assert set(np.unique(picture).tolist()) == {0xFF808080}
    assert Painter(look()).paint(columns(-120), 0)[0, 0] == 0xFF000000
    assert Painter(look()).paint(columns(0), 0)[0, 0] == 0xFFFFFFFF


def test_what_was_not_heard_has_the_colour_of_the_background():
    """Silence is black, nothing is not."""
    picture = Painter(look()).paint(columns(-50, present=False), 0)
    assert set(np.unique(picture).tolist()) == {0xFF102030}


def test_a_final_mask_is_stronger_than_a_provisional_one():
    """Provisional units are visibly lighter, and no mask changes nothing."""
    bare = Painter(look()).paint(columns(0), 0)
    final = Painter(look()).paint(columns(0, mask_of(1.0, True)), 0)
    soon = Painter(look()).paint(columns(0, mask_of(1.0, False)), 0)
    red = [int(picture[20, 1]) >> 16 & 255 for picture in (bare, soon, final)]
    assert red[0] > red[1] + 40 > red[2] + 80


def test_a_class_that_is_switched_off_is_not_laid_over():
    """Each on its own."""
    bare = Painter(look()).paint(columns(-20), 0)
    off = Painter(look(shown=frozenset({"speech"}))).paint(columns(-20, mask_of(1.0, True)), 0)
    np.testing.assert_array_equal(bare, off)


def test_an_unsure_mask_leaves_the_colours_alone():
    """Three classes at a third each say nothing; one that is sure says it loudly."""
    thirds = mask_of(1 / 3, True)
    thirds.prob[:] = 85
    bare, unsure, sure = (
        Painter(look()).paint(columns(0, mask), 0) for mask in (None, thirds, mask_of(1.0, True))
    )
    red = [int(picture[20, 1]) >> 16 & 255 for picture in (bare, unsure, sure)]
    assert red[0] - red[1] < 0.35 * (red[0] - red[2])


@pytest.mark.parametrize(("label", "other"), [("speech", "noise"), ("noise", "music")])
def test_classes_are_told_apart_without_their_colours(label, other):
    """Speech is hatched, noise dotted, music plain: by light alone, and finer on a fine screen."""

    def light(name, ratio):
        mask = mask_of(0.0, True)
        wide = MaskColumns(
            mask.classes, mask.freq_hz, np.repeat(mask.prob, 12, axis=0),
            np.ones(36, np.bool_), np.ones(36, np.bool_),
        )  # fmt: skip
        wide.prob[:, mask.classes.index(name)] = 255
        data = np.full((36, BINS), level(-20), np.uint8)
        picture = Painter(look(pixel_ratio=ratio)).paint(
            PixelColumns(data, np.ones(36, np.bool_), wide), 0
        )
        return (picture >> 8 & 255).astype(int)

    patterns = [light(name, 1.0) < light(name, 1.0).max() - 20 for name in (label, other)]
    assert patterns[0].any()
    assert (patterns[0] != patterns[1]).any()
    fine = light(label, 2.0) < light(label, 2.0).max() - 20
    assert np.diff(fine.astype(int), axis=1).any()
    assert np.abs(np.diff(fine, axis=1)).sum() < np.abs(np.diff(patterns[0], axis=1)).sum()


def test_preferences_survive_being_stored():
    """As text, one by one."""
    prefs = Prefs(theme="light", scale="log", top_hz=8000, low_db=-90.0, shown="", span_s=10.0)
    assert from_mapping(to_mapping(prefs)) == prefs


def test_a_preference_that_makes_no_sense_falls_back_alone():
    """A broken file never keeps the window from opening."""
    stored = to_mapping(Prefs(scale="log")) | {"top_hz": "many", "fps": "1000", "opacity": "7"}
    assert from_mapping(stored) == Prefs(scale="log")


def test_age_counts_from_the_promptest_delivery():
    """Jitter of a delivery counts as age, not as a younger sample."""
    clock = ArrivalClock(1000)
    for block in range(1, 50):
        late_s = 0.3 if block % 7 else 0.0
        clock.arrived(block * 100, 50.0 + block * 0.1 + late_s)
    assert clock.age_s(4000, 54.25) == pytest.approx(0.25)


def test_latencies_are_percentiles_of_the_last_pictures():
    """Before the first picture there is no number."""
    latencies = Latencies()
    assert latencies.percentiles() is None
    for age_s in np.linspace(0, 1, 101).tolist():
        latencies.add(age_s)
    found = latencies.percentiles()
    assert (found.p50_s, found.p95_s) == pytest.approx((0.5, 0.95))


def test_the_window_gives_way_when_it_is_late_and_tries_again_later():
    """60 pictures a second become 30, and 60 again after a while."""
    pace = Pace(60)
    now_s, changed = 0.0, 0
    for _ in range(100):
        now_s += 0.031
        changed += pace.tick(now_s)
    assert pace.fps == 30
    assert changed == 1
    for _ in range(1000):
        now_s += 0.033
        pace.tick(now_s)
        if pace.fps == 60:
            break
    assert pace.fps == 60


def test_a_window_in_time_keeps_its_pace():
    """Single late pictures do not matter."""
    pace = Pace(60)
    now_s = 0.0
    for index in range(600):
        now_s += 0.05 if index % 10 == 0 else 0.0167
        pace.tick(now_s)
    assert pace.fps == 60
