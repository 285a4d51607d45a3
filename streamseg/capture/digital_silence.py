"""Notices digital silence: sound that is nothing but zeros.

Called by the analysis thread of one source with every block; allocates nothing that stays. A sound
server gives zeros when nothing is played, and also when it has quietly moved a recording to another
device because its own went away. No microphone and no line input ever does.
"""

from __future__ import annotations

from dataclasses import dataclass

from streamseg.messages import Block


@dataclass(frozen=True, slots=True)
class ZerosBegan:
    """Zeros for as long as it takes to be worth a word."""

    sample: int
    """Position of the first zero."""
    frames: int
    """Zeros so far."""


@dataclass(frozen=True, slots=True)
class ZerosEnded:
    """The first sample that is not zero."""

    sample: int
    frames: int
    """Zeros before it."""


class ZeroWatch:
    """Blocks in order; says when zeros have lasted ``limit_frames``, and when they are over.

    The limit is longer than any block.
    """

    def __init__(self, limit_frames: int) -> None:
        """``limit_frames`` 0: never says anything."""
        self._limit = limit_frames
        self.reset()

    def reset(self) -> None:
        """What comes next has nothing to do with what came before."""
        self._since: int | None = None
        self._said = False

    def push(self, block: Block) -> list[ZerosBegan | ZerosEnded]:
        """What this block decides: mostly nothing, at most an end and a beginning."""
        if self._since is None and block.samples[-1:].any():
            return []  # zeros in its middle are shorter than any limit
        found: list[ZerosBegan | ZerosEnded] = []
        sounding = block.samples != 0
        if sounding.any():
            if self._said and self._since is not None:
                first = block.sample + int(sounding.argmax())
                found.append(ZerosEnded(first, first - self._since))
            self._said = False
            trailing = int(sounding[::-1].argmax())
            end = block.sample + block.samples.size
            self._since = end - trailing if trailing else None
        elif self._since is None:
            self._since = block.sample
        frames = 0 if self._since is None else block.sample + block.samples.size - self._since
        if self._limit and frames >= self._limit and not self._said and self._since is not None:
            self._said = True
            found.append(ZerosBegan(self._since, frames))
        return found
