"""The whole front end of one network for one source. Runs on that source's analysis thread.

Resample, STFT, bands, decibels, normalisation; beside it the level of the same frames, measured at
the source's own rate. Both come out together, so every feature frame has its level.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from streamseg.frontend.level import Level
from streamseg.frontend.linear import LogPower
from streamseg.frontend.mel import LogMel
from streamseg.frontend.norm import RunningNorm
from streamseg.frontend.resample import Resampler
from streamseg.frontend.spec import FrontEndSpec
from streamseg.messages import Float32Array, following


@dataclass(frozen=True, slots=True)
class FeatureFrames:
    """Shape: ``features`` is (frames, columns) float32; ``power`` is (frames,) mean squares."""

    features: Float32Array
    power: Float32Array


def log_bands(spec: FrontEndSpec) -> LogMel | LogPower:
    """From samples at the front end's rate to its bands in decibels, before normalisation."""
    if spec.scale == "linear":
        return LogPower(
            spec.n_fft, spec.hop, spec.n_mels, spec.floor_db, spec.long_n_fft, spec.long_bins
        )
    return LogMel(
        spec.rate_hz,
        spec.n_fft,
        spec.hop,
        spec.n_mels,
        spec.fmin_hz,
        spec.fmax_hz,
        spec.floor_db,
    )


def running_norm(spec: FrontEndSpec) -> RunningNorm | None:
    """The normalisation of a front end, None where it has none."""
    if spec.norm is None:
        return None
    return RunningNorm(spec.n_mels, spec.hop_s, **asdict(spec.norm))


class FeatureStream:
    """Samples of a source at ``rate_hz`` to the feature frames that ``spec`` describes."""

    def __init__(self, spec: FrontEndSpec, rate_hz: int) -> None:
        self._spec = spec
        self._rate_hz = rate_hz
        self._resampler = Resampler(rate_hz, spec.rate_hz)
        self._bands = log_bands(spec)
        self._norm = running_norm(spec)
        self._level = Level(rate_hz, spec.frame_s, spec.hop_s)
        self.reset()

    def reset(self) -> None:
        """Forget the signal: the next sample is the first one."""
        self._resampler.reset()
        self._bands.reset()
        if self._norm is not None:
            self._norm.reset()
        self._level.reset()
        self._features = np.empty((0, self._spec.columns), np.float32)
        self._power = np.empty(0, np.float32)

    def push(self, samples: Float32Array) -> FeatureFrames:
        """Shape: (n,) float32 in; the frames that these samples complete out."""
        features = self._bands.push(self._resampler.push(samples))
        if self._norm is not None:
            features = self._norm.push(features)
        features = following(self._features, features)
        power = following(self._power, self._level.push(samples))
        # The resampler holds samples back, so the two arrive at different moments.
        count = min(len(features), len(power))
        self._features, self._power = features[count:], power[count:]
        return FeatureFrames(features[:count], power[:count])

    def flush(self, frames: int) -> FeatureFrames:
        """End of the signal: the next ``frames`` frames, as if silence followed."""
        hop = self._spec.hop_s * self._rate_hz
        # One frame length and 50 ms are more than the frame and the resampler hold back.
        silence = np.zeros(
            int(frames * hop + (self._spec.frame_s + 0.05) * self._rate_hz) + 1, np.float32
        )
        out = self.push(silence)
        assert len(out.features) >= frames, "the resampler held back more than 50 ms"
        return FeatureFrames(out.features[:frames], out.power[:frames])
