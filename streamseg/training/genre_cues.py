"""Which simple cue gives a genre away? Classifiers that are shown one cue each, and nothing else.

A set of generated music on which tempo, loudness or colour alone decides would test nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_score

from streamseg.training.dance.piece import STEMS
from streamseg.training.genre_data import FRONT, SPECTROGRAMS, Songs, relative

Floats = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Cue:
    """How often a classifier is right that is shown one cue, by five-fold cross-validation."""

    name: str
    accuracy: float


def _mean_power_db(pictures: Floats, axis: int | tuple[int, ...]) -> Floats:
    power: Floats = 10 ** (np.asarray(pictures, np.float32) / 10)
    return np.asarray(10 * np.log10(power.mean(axis=axis)))


def _pulse(full: Floats) -> Floats:
    """Where the beats lie, whatever sounds: autocorrelation of the rise of the mean band.

    Shape: (songs, 128, 458) to (songs, lags from 0.1 to 1.5 s).
    """
    rise = np.maximum(np.diff(np.asarray(full, np.float32).mean(axis=1), axis=1), 0)
    rise -= rise.mean(axis=1, keepdims=True)
    spectra = np.abs(np.fft.rfft(rise, 1024, axis=1)) ** 2
    likeness = np.fft.irfft(spectra, axis=1)
    lags = slice(round(0.1 / FRONT.hop_s), round(1.5 / FRONT.hop_s))
    return np.asarray(likeness[:, lags] / likeness[:, :1])


def cues_of(songs: Songs) -> dict[str, Floats]:
    """What each classifier is shown, (songs, numbers)."""
    place = {name: index for index, name in enumerate(SPECTROGRAMS)}
    stems = [place[name] for name in STEMS]
    full = songs.pictures[:, place["full"]]
    heard = relative(songs.pictures)
    shown = {
        "tempo (as composed)": songs.bpm[:, None],
        "pulse (autocorrelation of onsets)": _pulse(full),
        "loudness of the mixture": _mean_power_db(full, (1, 2))[:, None],
        "balance of the four stems": _mean_power_db(songs.pictures[:, stems], (2, 3)),
        "mean spectrum of the mixture": heard[:, place["full"]].mean(axis=2),
    }
    for name in STEMS:
        shown[f"mean spectrum of {name}"] = heard[:, place[name]].mean(axis=2)
    everything = [shown["tempo (as composed)"], shown["balance of the four stems"]]
    everything += [values for name, values in shown.items() if name.startswith("mean spectrum of")]
    shown["all of these"] = np.concatenate([*everything, shown[list(shown)[1]]], axis=1)
    return shown


def measure(songs: Songs, seed: int) -> list[Cue]:
    """Every cue with a random forest of its own."""
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    found = []
    for name, values in cues_of(songs).items():
        forest = RandomForestClassifier(150, min_samples_leaf=2, random_state=seed)
        right = cross_val_score(forest, values, songs.genres, cv=folds)
        found.append(Cue(name, float(right.mean())))
    return found
