"""A voice at another pitch and pace, made of its own periods (TD-PSOLA).

Moulines and Charpentier (Speech Communication 9, 1990): the sound is cut into grains of two periods
around its pitch marks, and these are laid at the marks of the new pitch. Unlike a vocoder this
keeps the wave form of the glottis and the breath in it, so both together teach what singing is, and
not what one way of making it sounds like.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

_BREATH_S = 0.005  # from grain to grain where nothing has a pitch
_SEARCH = 0.3  # of a period: how far a mark may move to the strongest sample


@dataclass(frozen=True, slots=True)
class Marked:
    """A voice with its pitch marks. Shape: ``samples`` is (n,) float32; ``marks`` (m,) are
    positions in it, in order; ``periods`` (m,) are samples.
    """

    samples: NDArray[np.float32]
    rate_hz: int
    marks: NDArray[np.int64]
    periods: NDArray[np.int64]


def marked(
    samples: NDArray[np.float32], rate_hz: int, f0_hz: NDArray[np.float64], frame_s: float
) -> Marked:
    """Pitch marks of a voice; ``f0_hz`` (frames,) every ``frame_s`` is 0 where it has no pitch."""
    marks, periods = [], []
    # The glottis closes with a peak that is always on one side.
    upright = samples if np.sum(samples.astype(np.float64) ** 3) >= 0 else -samples
    at = 0.0
    last = len(samples) - 1
    while at < last:
        hz = f0_hz[min(int(at / rate_hz / frame_s), len(f0_hz) - 1)]
        period = rate_hz / hz if hz > 0 else _BREATH_S * rate_hz
        if hz > 0:
            reach = _SEARCH * period
            low, high = max(0, int(at - reach)), min(last, int(at + reach)) + 1
            at = low + float(np.argmax(upright[low:high]))
        marks.append(int(at))
        periods.append(int(period))
        at = max(at, marks[-1]) + period
    return Marked(samples, rate_hz, np.array(marks, np.int64), np.array(periods, np.int64))


def resynthesised(
    voice: Marked,
    at_s: NDArray[np.float64],
    f0_hz: NDArray[np.float64],
    gain: NDArray[np.float64],
    frame_s: float,
    formant_ratio: float,
    random: Generator,
) -> NDArray[np.float32]:
    """The voice along another path through its time.

    ``at_s`` (frames,) says which moment of the voice is heard in every frame of ``frame_s``,
    ``f0_hz`` at which pitch (0: as breath), ``gain`` how loudly (0: not at all). Returns
    (frames * frame_s * rate,) float32. ``formant_ratio`` moves the resonances. Of grains that would
    be repeated a neighbour is taken by chance, or a held vowel buzzes.
    """
    rate_hz = voice.rate_hz
    length = int(len(at_s) * frame_s * rate_hz)
    result = np.zeros(length, np.float64)
    centre, before = 0.0, -1
    while centre < length:
        frame = min(int(centre / rate_hz / frame_s), len(at_s) - 1)
        hz = f0_hz[frame]
        step = rate_hz / hz if hz > 0 else _BREATH_S * rate_hz
        if gain[frame] > 0:
            index = int(np.searchsorted(voice.marks, at_s[frame] * rate_hz))
            if index == before:
                index += int(random.integers(-1, 2))
            index = before = min(max(index, 1), len(voice.marks) - 2)
            _lay(result, voice, index, centre, formant_ratio, gain[frame])
        centre += step
    return result.astype(np.float32)


def _lay(
    result: NDArray[np.float64],
    voice: Marked,
    index: int,
    centre: float,
    ratio: float,
    gain: float,
) -> None:
    mark, period = int(voice.marks[index]), int(voice.periods[index])
    half = int(period / ratio)  # a smaller grain: higher resonances
    offsets = np.arange(-half, half + 1)
    place = int(centre) + offsets
    inside = (place >= 0) & (place < len(result))
    window = 0.5 + 0.5 * np.cos(np.pi * offsets / (half + 1))
    low, high = max(0, mark - period - 1), min(len(voice.samples), mark + period + 2)
    grain = np.interp(mark + offsets * ratio, np.arange(low, high), voice.samples[low:high])
    result[place[inside]] += gain * (window * grain)[inside]
