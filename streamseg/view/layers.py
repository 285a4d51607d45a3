"""The two sets of masks that can be laid over the spectrogram: classes, and stems. No Qt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

LayerSet = Literal["classes", "stems"]

MASKABLE = ("music", "speech", "noise")
STEMS = ("drums", "bass", "other", "vocals")
LAYERS: dict[LayerSet, tuple[str, ...]] = {"classes": MASKABLE, "stems": STEMS}
"""Each set, its members in the order of their keys."""


def set_of(classes: Sequence[str]) -> LayerSet:
    """Which set a mask of these classes belongs to: the network's names tell."""
    return "stems" if set(classes) <= set(STEMS) else "classes"


def chosen(wish: str, there: Sequence[LayerSet]) -> LayerSet:
    """The set that is laid over: the one that is wished for, or the only one there is."""
    wished: LayerSet = "stems" if wish == "stems" else "classes"
    return wished if wished in there or not there else there[0]
