"""Stateful sample-rate conversion (libsoxr). Runs on the analysis thread of one source."""

from __future__ import annotations

import numpy as np
import soxr

from streamseg.messages import Float32Array


class Resampler:
    """Convert a mono stream from one rate to another, block by block.

    The filter is linear phase and its delay is taken out: output sample m lies at input time
    ``m / out_rate_hz``. The last few milliseconds stay inside until ``flush``.
    """

    def __init__(self, in_rate_hz: int, out_rate_hz: int) -> None:
        self._rates = (in_rate_hz, out_rate_hz)
        self.reset()

    def reset(self) -> None:
        """Forget the signal: the next sample is the first one."""
        same = self._rates[0] == self._rates[1]
        self._stream = None if same else soxr.ResampleStream(*self._rates, 1, dtype="float32")

    def push(self, samples: Float32Array) -> Float32Array:
        """Shape: (n,) float32 in, (m,) float32 out, m about ``n * out / in``."""
        if self._stream is None:
            return samples
        # libsoxr's binding does not accept an empty block.
        return self._convert(samples, last=False) if samples.size else samples

    def flush(self) -> Float32Array:
        """End of the signal: what the filter still held, (m,) float32."""
        if self._stream is None:
            return np.empty(0, np.float32)
        return self._convert(np.empty(0, np.float32), last=True)

    def _convert(self, samples: Float32Array, last: bool) -> Float32Array:
        assert self._stream is not None
        out: Float32Array = self._stream.resample_chunk(samples, last=last).reshape(-1)
        return out
