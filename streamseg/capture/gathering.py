"""Larger pieces out of a decoder: what every piece costs behind it does not depend on its length.

A ``Decoder`` around another one, on the same thread. Holds one piece.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from streamseg.capture.decoded import Decoded, Decoder


class Gathering:
    """Consecutive packets of one format as one piece of at least ``seconds`` (the last: shorter).

    An error of the decoder comes after what was decoded before it.
    """

    damaged_packets = 0  # the decoder counts them

    def __init__(self, decoder: Decoder, seconds: float) -> None:
        self._decoder = decoder
        self._seconds = seconds
        self._carry: Decoded | None = None
        self._error: Exception | None = None

    def read(self) -> Decoded | None:
        """The next piece, or None at the end. Raises what the decoder raises."""
        first, self._carry = self._carry, None
        first = first or self._next(self._raise)
        if first is None:
            return None
        parts, frames = [first.frames], len(first.frames)
        while frames < self._seconds * first.rate_hz:
            decoded = self._next(self._keep)
            if decoded is None:
                break
            if not decoded.same_format(first):
                self._carry = decoded
                break
            parts.append(decoded.frames)
            frames += len(decoded.frames)
        together = np.concatenate(parts) if len(parts) > 1 else parts[0]
        return Decoded(together, first.rate_hz, first.at_s)

    def close(self) -> None:
        """As the decoder."""
        self._decoder.close()

    def _next(self, failed: Callable[[Exception], None]) -> Decoded | None:
        try:
            if self._error is not None:
                raise self._error
            return self._decoder.read()
        except Exception as error:  # whatever it is, it is raised in its turn
            failed(error)
            return None

    def _raise(self, error: Exception) -> None:
        self._error = None
        raise error

    def _keep(self, error: Exception) -> None:
        self._error = error
