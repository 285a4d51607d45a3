"""The networks. A line here and two files in ``models/`` are all that one needs.

Those in ``STEMS`` say what is on air; those in ``MASK_STEMS`` draw what belongs to whom, those in
``BAND_STEMS`` who plays what, and those in ``CLIP_STEMS`` the same of files, slower than they play;
those in ``GENRE_STEMS`` say of that what kind of music it is.
"""

from __future__ import annotations

from pathlib import Path

from streamseg.errors import ConfigError
from streamseg.models.base import Job, Network, Stream
from streamseg.models.card import ModelCard, read_card
from streamseg.models.session import Session
from streamseg.models.stem_genre import GenreJob, GenreNetwork, GenreStream
from streamseg.models.stem_unet import StemJob, StemNetwork, StemStream
from streamseg.models.window_mask import MaskJob, MaskNetwork, MaskStream
from streamseg.resources import models_dir

__all__ = [
    "ALL_STEMS",
    "BAND_STEMS",
    "CLIP_STEMS",
    "GENRE_STEMS",
    "MASK_STEMS",
    "STEMS",
    "GenreJob",
    "GenreNetwork",
    "GenreStream",
    "Job",
    "MaskJob",
    "MaskNetwork",
    "MaskStream",
    "ModelCard",
    "Network",
    "StemJob",
    "StemNetwork",
    "StemStream",
    "Stream",
    "load_any",
    "load_card",
    "load_genre_network",
    "load_mask_network",
    "load_network",
    "load_stem_network",
]

STEMS: dict[str, str] = {
    "activity": "music, speech and noise at once; the default",
    "frame_conv": "the all-convolutional network of Bhatia and Thakur (2018)",
    "parallel_cnn_1": "Lidy and Schindler (2016), model 1: timbre; windows of 2.8 s",
    "parallel_cnn_2": "model 2: timbre beside rhythm",
    "parallel_cnn_3": "model 3: short beside long filters",
}

MASK_STEMS: dict[str, str] = {
    "window_mask": "masks: the windows of music-noise segmentation, with speech",
}

BAND_STEMS: dict[str, str] = {
    "stem_unet_small": "masks of drums, bass, other and vocals while music plays",
}

CLIP_STEMS: dict[str, str] = {
    "stem_unet": "the U-Net of Banerjee and Bodhak (2025): the same masks, for files",
}

GENRE_STEMS: dict[str, str] = {
    "stem_genre": "kinds of dance music, from three stems; taught on generated music only",
}


ALL_STEMS: dict[str, str] = STEMS | MASK_STEMS | BAND_STEMS | CLIP_STEMS | GENRE_STEMS
"""Every network, in the order in which they are listed."""


def load_card(stem: str, folder: Path | None = None) -> ModelCard:
    """The card of a network. Raises ConfigError for an unknown stem, ModelError for a bad file."""
    if stem not in ALL_STEMS:
        raise ConfigError(f"expected a model of {', '.join(ALL_STEMS)}, got {stem!r}")
    return read_card((folder or models_dir()) / f"{stem}.json")


def load_network(stem: str, provider: str = "auto", folder: Path | None = None) -> Network:
    """A network that says what is on air. Raises ConfigError or ModelError as above."""
    if stem not in STEMS:
        place = ", which draws masks; it belongs into model.mask" if stem in MASK_STEMS else ""
        raise ConfigError(f"expected a model of {', '.join(STEMS)}, got {stem!r}{place}")
    card = load_card(stem, folder)
    return Network(card, _session(card, provider, folder))


def load_mask_network(stem: str, provider: str = "auto", folder: Path | None = None) -> MaskNetwork:
    """A network that draws masks. Raises ConfigError or ModelError as above."""
    if stem not in MASK_STEMS:
        raise ConfigError(f"expected a mask model of {', '.join(MASK_STEMS)}, got {stem!r}")
    card = load_card(stem, folder)
    return MaskNetwork(card, _session(card, provider, folder))


def load_stem_network(
    stem: str, provider: str = "auto", folder: Path | None = None, *, live: bool = False
) -> StemNetwork:
    """A network that draws masks of stems. Raises ConfigError or ModelError as above; with ``live``
    also for one that is slower than the sound.
    """
    if live and stem in CLIP_STEMS:
        raise ConfigError(
            f"expected a stem model that keeps up with live sound ({', '.join(BAND_STEMS)}), got "
            f"{stem!r}, which hears files: streamseg mask FILE -m {stem}"
        )
    known = BAND_STEMS | CLIP_STEMS
    if stem not in known:
        raise ConfigError(f"expected a stem model of {', '.join(known)}, got {stem!r}")
    card = load_card(stem, folder)
    return StemNetwork(card, _session(card, provider, folder))


def load_genre_network(
    stem: str, provider: str = "auto", folder: Path | None = None
) -> GenreNetwork:
    """A network that says the genre of stems. Raises ConfigError or ModelError as above."""
    if stem not in GENRE_STEMS:
        raise ConfigError(f"expected a genre model of {', '.join(GENRE_STEMS)}, got {stem!r}")
    card = load_card(stem, folder)
    return GenreNetwork(card, _session(card, provider, folder))


def load_any(
    stem: str, provider: str = "auto"
) -> Network | MaskNetwork | StemNetwork | GenreNetwork:
    """A network of any kind, for those who only look at it. Raises ConfigError or ModelError."""
    if stem in GENRE_STEMS:
        return load_genre_network(stem, provider)
    if stem in BAND_STEMS | CLIP_STEMS:
        return load_stem_network(stem, provider)
    load = load_mask_network if stem in MASK_STEMS else load_network
    return load(stem, provider)


def _session(card: ModelCard, provider: str, folder: Path | None) -> Session:
    return Session((folder or models_dir()) / f"{card.stem}.onnx", card, provider)
