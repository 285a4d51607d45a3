"""What a front end computes: the part of a network's card that this package understands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal


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
    """From samples to feature frames: resample, STFT, power of bands, decibels, normalisation."""

    rate_hz: int
    n_fft: int
    hop: int
    n_mels: int
    """Bands of a frame, whatever their scale."""
    fmin_hz: float
    fmax_hz: float
    floor_db: float
    """Lower limit of the features in decibels; digital silence reads as this."""
    norm: NormSpec | None = None
    scale: Literal["mel", "linear"] = "mel"
    """``linear``: the bands are the lowest ``n_mels`` bins of the transform; ``fmin_hz`` is 0 and
    ``fmax_hz`` their upper edge, ``n_mels * rate_hz / n_fft``."""

    long_n_fft: int = 0
    """Samples of a second window that ends where the first does, or 0 for none: it tells low notes
    apart, and its middle lies ``(long_n_fft - n_fft) / 2`` samples earlier."""
    long_bins: int = 0
    """So many of its lowest bins follow the bands in every frame, in decibels."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    def __post_init__(self) -> None:
        for name in ("rate_hz", "n_fft", "hop", "n_mels"):
            if getattr(self, name) < 1:
                raise ValueError(f"expected {name} >= 1, got {getattr(self, name)}")
        if self.scale == "linear":
            self._check_linear()
        if self.long_n_fft or self.long_bins:
            self._check_long()

    def _check_linear(self) -> None:
        if self.n_mels > self.n_fft // 2 + 1:
            raise ValueError(
                f"expected n_mels <= {self.n_fft // 2 + 1}, the bins of a transform of "
                f"{self.n_fft} samples, got {self.n_mels}"
            )
        bin_hz = self.rate_hz / self.n_fft
        edge_hz = self.n_mels * bin_hz
        if self.fmin_hz != 0 or abs(self.fmax_hz - edge_hz) > bin_hz:
            raise ValueError(
                f"expected fmin_hz 0 and fmax_hz {edge_hz:g}, the upper edge of {self.n_mels} "
                f"linear bands, got {self.fmin_hz:g} and {self.fmax_hz:g}"
            )

    def _check_long(self) -> None:
        if self.scale != "linear" or self.norm is not None:
            raise ValueError("expected linear bands without normalisation beside a long window")
        if self.long_n_fft < self.n_fft or not 1 <= self.long_bins <= self.long_n_fft // 2 + 1:
            raise ValueError(
                f"expected long_n_fft >= {self.n_fft} and 1 to {self.long_n_fft // 2 + 1} "
                f"long_bins, got {self.long_n_fft} and {self.long_bins}"
            )

    @property
    def columns(self) -> int:
        """Values of a feature frame: its bands, then the bins of the long window."""
        return self.n_mels + self.long_bins

    @property
    def hop_s(self) -> float:
        """Time from one feature frame to the next."""
        return self.hop / self.rate_hz

    @property
    def frame_s(self) -> float:
        """Length of sound that one feature frame stands for, at least one hop."""
        return max(self.n_fft, self.hop) / self.rate_hz
