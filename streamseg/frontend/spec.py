"""What a front end computes: the part of a network's card that this package understands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class NormSpec:
    """Causal normalisation per band (``frontend.norm``)."""

    time_constant_s: float
    min_deviation_db: float
    """Deviations below this are taken as this, so that a constant band stays small."""
    gate_db: float
    """Frames whose loudest band lies below this level do not move the statistics."""
    clip: float
    """Output limit, in deviations."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        for name in ("time_constant_s", "min_deviation_db", "clip"):
            if not getattr(self, name) > 0:
                raise ValueError(f"expected {name} > 0, got {getattr(self, name)}")


@dataclass(frozen=True, slots=True)
class FrontEndSpec:
    """From samples to feature frames: resample, STFT, mel power, decibels, normalisation."""

    rate_hz: int
    n_fft: int
    hop: int
    n_mels: int
    fmin_hz: float
    fmax_hz: float
    floor_db: float
    """Lower limit of the features in decibels; digital silence reads as this."""
    norm: NormSpec | None = None

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        for name in ("rate_hz", "n_fft", "hop", "n_mels"):
            if getattr(self, name) < 1:
                raise ValueError(f"expected {name} >= 1, got {getattr(self, name)}")

    @property
    def hop_s(self) -> float:
        """Time from one feature frame to the next."""
        return self.hop / self.rate_hz

    @property
    def frame_s(self) -> float:
        """Length of sound that one feature frame stands for, at least one hop."""
        return max(self.n_fft, self.hop) / self.rate_hz
