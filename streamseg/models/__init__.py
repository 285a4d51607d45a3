"""The networks. A line in ``STEMS`` and two files in ``models/`` are all that one needs."""

from __future__ import annotations

from pathlib import Path

from streamseg.errors import ConfigError
from streamseg.models.base import Job, Network, Stream
from streamseg.models.card import ModelCard, read_card
from streamseg.models.session import Session
from streamseg.resources import models_dir

__all__ = ["STEMS", "Job", "ModelCard", "Network", "Stream", "load_card", "load_network"]

STEMS: dict[str, str] = {
    "activity": "music, speech and noise at once; the default",
    "frame_conv": "the all-convolutional network of Bhatia and Thakur (2018)",
}


def load_card(stem: str, folder: Path | None = None) -> ModelCard:
    """The card of a network. Raises ConfigError for an unknown stem, ModelError for a bad file."""
    if stem not in STEMS:
        raise ConfigError(f"expected a model of {', '.join(STEMS)}, got {stem!r}")
    return read_card((folder or models_dir()) / f"{stem}.json")


def load_network(stem: str, provider: str = "auto", folder: Path | None = None) -> Network:
    """A network ready to run. Raises ConfigError or ModelError as above."""
    card = load_card(stem, folder)
    return Network(card, Session((folder or models_dir()) / f"{stem}.onnx", card, provider))
