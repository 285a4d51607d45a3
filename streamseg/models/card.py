"""The card of a network: ``models/<stem>.json``, all that a program must know to run it rightly.

Units stand in the names; a card with an unknown or a missing key is refused, so a card and the
program never disagree in silence.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from streamseg.errors import ModelError
from streamseg.frontend.spec import FrontEndSpec, NormSpec

__all__ = [
    "FrontEndSpec",
    "MapSpec",
    "ModelCard",
    "NormSpec",
    "OutputSpec",
    "PictureSpec",
    "StateSpec",
    "read_card",
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OutputSpec(_Strict):
    """One output of the graph: (batch, frames, classes)."""

    name: str
    role: Literal["provisional", "confirmed", "boundary"]
    """A boundary curve is (batch, frames, 1), beside the classes."""
    lookahead_frames: int = Field(ge=0)
    """Output frame j of a stream describes feature frame ``j * stride - lookahead_frames``
    (and the ``stride - 1`` feature frames after it)."""


class StateSpec(_Strict):
    """One streaming state: input ``name`` and output ``next_<name>``, (batch, *shape) float32."""

    name: str
    shape: tuple[int, ...]
    fill: float = 0.0
    """Value of the whole state at the start of a stream."""


class MapSpec(_Strict):
    """The windows of a network that draws a map, and the units that they are averaged in.

    Its one output is (batch, steps, positions, classes), a step per ``unit_frames`` feature frames:
    step j holds the windows whose last frame is the last of unit j, position m the window whose
    lowest band is ``m * unit_bins``.
    """

    unit_frames: int = Field(ge=1)
    unit_bins: int = Field(ge=1)
    window_frames: int = Field(ge=1)
    window_bins: int = Field(ge=1)

    @model_validator(mode="after")
    def _windows_of_whole_units(self) -> MapSpec:
        if self.window_frames % self.unit_frames or self.window_bins % self.unit_bins:
            raise ValueError("a window must hold a whole number of units")
        return self

    @property
    def unit_steps(self) -> int:
        """Time units under a window."""
        return self.window_frames // self.unit_frames

    @property
    def unit_rows(self) -> int:
        """Frequency units under a window."""
        return self.window_bins // self.unit_bins


class PictureSpec(_Strict):
    """What a network of genre sees: mel spectrograms of some stems, side by side as channels.

    Its graph takes (batch, stems, bands, frames) decibels and gives (batch, classes).
    """

    stems: tuple[str, ...]
    """Classes of the masks, in the order of the channels."""
    bands: int = Field(ge=1)
    """Mel bands from 0 to half the front end's rate."""
    frames: int = Field(ge=1)
    floor_db: float
    """Lower limit of the decibels."""
    silent_db: float
    """A picture whose loudest band lies below this is silent: nothing is said about it."""


class DataSource(_Strict):
    """Training data of one origin, with the licence that allows it."""

    source: str
    licence: str
    attribution: str = ""
    minutes: float = Field(ge=0)


class TrainingRecord(_Strict):
    """How the weights came about: enough to make them again."""

    command: str
    seed: int
    hours_of_audio: float
    data: tuple[DataSource, ...]


class ModelCard(_Strict):
    """A network and everything known about it."""

    schema_: Literal[1] = Field(alias="schema")
    stem: str
    title: str
    source: str
    """The paper and section it comes from, or "own"."""
    deviations: tuple[str, ...] = ()
    classes: tuple[str, ...]
    overlapping: bool
    """True: classes are independent. False: the probabilities of a frame sum to one."""
    front_end: FrontEndSpec
    stride: int = Field(ge=1)
    """Feature frames per output frame; a call takes a multiple of it."""
    block_frames: int = Field(1, ge=1)
    """A call takes a multiple of so many feature frames, too: more than 1 where the network hears
    clips, and then its answers are late by up to a clip more than their look-ahead."""
    outputs: tuple[OutputSpec, ...]
    map: MapSpec | None = None
    """Present on a network that draws a mask instead of saying what is on air."""
    picture: PictureSpec | None = None
    """Present on a network that says the genre of stems. ``stride`` is then the feature frames from
    one answer to the next."""
    state: tuple[StateSpec, ...]
    receptive_field_s: float = Field(gt=0)
    macs_per_audio_s: float = Field(ge=0)
    parameters: int = Field(ge=0)
    training: TrainingRecord
    figures: dict[str, Any] = {}
    """Measured results; each key says the measure, ``command`` says how to repeat it."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")

    @property
    def hop_s(self) -> float:
        """Time from one output frame to the next."""
        return self.front_end.hop_s * self.stride

    def lookahead_s(self, role: Literal["provisional", "confirmed"]) -> float:
        """Time by which an answer of this role lags behind the sound it describes, at most."""
        if self.map is not None:
            # A unit is said when the first window ends with it, final when the last begins with it.
            waits = 0 if role == "provisional" else self.map.window_frames - self.map.unit_frames
            return waits * self.front_end.hop_s
        for output in self.outputs:
            if output.role == role:
                return (output.lookahead_frames + self.block_frames - 1) * self.front_end.hop_s
        return self.lookahead_s("confirmed" if role == "provisional" else "provisional")


def read_card(path: Path) -> ModelCard:
    """Read and validate a card.

    Raises ModelError when the file is missing, is not JSON, or breaks the schema.
    """
    try:
        return ModelCard.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise ModelError(
            f"expected a model card at {path}, found none; reinstall streamseg"
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ModelError(f"model card {path}: {where}: {first['msg']}; reinstall it") from None
