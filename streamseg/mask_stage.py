"""Masks beside the main network: fronts on the analysis threads, one worker for all sources.

``MaskOutlet`` belongs to the analysis thread of its source: a front end of the mask network's own,
whose spectra go into the bounded mailbox of ``MaskStage``. The stage's one worker thread runs the
network, batched over the sources, and calls ``masks`` with every record, which must return at once.
Which network draws, and what else comes of its masks, is the matter of a ``drawing.Drawer``.

Full: of a live source the oldest spectra are dropped, a file waits. Masks give way before the main
network does: while that is ``behind``, the spectra of live sources are thrown away unseen. What was
dropped is counted in ``dropped_s``, and the masks go on behind it as a new stretch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Container
from typing import Generic, Protocol

from streamseg.drawing import Drawer, S
from streamseg.messages import Float32Array, Mask, Spectra
from streamseg.stages import EndOfStretch, SourceFront, shifted
from streamseg.worker import Mailbox, Worker

MAIL_S = 2.0  # sound that may wait for the masks; less than for the main network

MaskMail = Spectra | EndOfStretch


class MaskOutlet:
    """Samples of one source to the spectra of the mask network, and those into the mailbox."""

    def __init__(
        self, front: SourceFront, flush_frames: int, put: Callable[[MaskMail], object]
    ) -> None:
        self._front, self._flush_frames, self._put = front, flush_frames, put

    def push(self, samples: Float32Array) -> None:
        """Shape: (n,) float32; the next samples of the stretch."""
        for spectra in self._front.push(samples):
            self._put(spectra)

    def end_stretch(self) -> None:
        """No sound follows without a hole."""
        for spectra in self._front.finish(self._flush_frames):
            self._put(spectra)
        self._put(self._front.end())
        self._front.restart(self._front.sample)

    def restart(self, sample: int) -> None:
        """A stretch begins with this position."""
        self._front.restart(sample)


class HasOutlets(Protocol):
    """What a reader needs of a stage."""

    def outlet(self, source: str, rate_hz: int) -> MaskOutlet:
        """The way in for a source that has been opened; analysis thread of that source."""
        ...


class _Drawing(Generic[S]):
    """What the worker keeps of one source."""

    def __init__(self, drawer: Drawer[S], source: str, rate_hz: int) -> None:
        self._drawer, self._source = drawer, source
        self._grid = drawer.grid(rate_hz)
        self._stream = drawer.open(source, rate_hz)
        self._base = 0  # feature frame at which the network's stream began
        self._next = 0  # feature frame that should come next
        self._origin = 0  # position at which the network's stream began
        self.dropped_s = 0.0

    def take(self, spectra: Spectra) -> tuple[list[Mask], tuple[S, Spectra]]:
        """What a hole before these spectra finishes, and the job they are."""
        ended: list[Mask] = []
        if spectra.first_frame != self._next:
            self._count(spectra.first_frame - self._next)
            ended = self._finish()
            self._base = spectra.first_frame
        self._next = spectra.first_frame + len(spectra.power)
        moved = shifted(spectra, self._base, self._grid, self._drawer.card.stride)
        self._origin = moved.origin
        return ended, (self._stream, moved)

    def end(self, end: EndOfStretch) -> list[Mask]:
        """The last masks of a stretch; the next spectra begin another."""
        self._count(end.frames - self._next)
        ended = self._finish()
        self._base = self._next = 0
        return ended

    def _finish(self) -> list[Mask]:
        return self._drawer.finish(self._stream, self._source, self._origin)

    def _count(self, frames: int) -> None:
        self.dropped_s += frames * self._drawer.card.front_end.hop_s


class MaskStage(Generic[S]):
    """One network for the masks of all sources, on a worker thread of its own."""

    def __init__(
        self,
        drawer: Drawer[S],
        sources: int,
        block_s: float,
        live: Container[str],
        masks: Callable[[Mask], None],
        behind: Callable[[], bool],
        on_error: Callable[[], None],
        name: str = "masks",
    ) -> None:
        """``block_s``: sound per call of the network; ``live`` names the sources that cannot wait.

        ``behind`` tells whether those to whom these masks give way have fallen behind live sound.
        ``name`` is that of the thread.
        """
        self._drawer, self._block_s = drawer, block_s
        self._live, self._masks, self._behind = live, masks, behind
        capacity = max(4, round(MAIL_S / block_s)) * max(1, sources)
        self._half = capacity // 2
        self._mail: Mailbox[MaskMail] = Mailbox(capacity, self._may_displace)
        self._drawings: dict[str, _Drawing[S]] = {}
        self._worker = Worker(name, self._mail, self._draw, on_error)
        self.start = self._worker.start
        self.stop = self._worker.stop

    @property
    def error(self) -> BaseException | None:
        """What ended the worker, if anything did."""
        return self._worker.error

    @property
    def late(self) -> bool:
        """Whether so much sound waits that some may soon get no mask; any thread."""
        return self._mail.waiting > self._half

    @property
    def dropped_s(self) -> float:
        """Sound of all sources that was heard but got no mask."""
        return sum(drawing.dropped_s for drawing in self._drawings.copy().values())

    def outlet(self, source: str, rate_hz: int) -> MaskOutlet:
        """The way in for a source that has been opened; analysis thread of that source."""
        # In place before anything can come of it, so the worker always finds it.
        self._drawings[source] = _Drawing(self._drawer, source, rate_hz)
        grid = self._drawer.grid(rate_hz)
        front = SourceFront(source, self._drawer.card, grid, self._block_s)
        return MaskOutlet(front, self._drawer.flush_frames, self._mail.put)

    def _may_displace(self, new: MaskMail, old: MaskMail) -> bool:
        return new.source in self._live and isinstance(old, Spectra) and old.source in self._live

    # Thread of the worker

    def _draw(self, items: list[MaskMail]) -> None:
        waiting: dict[str, deque[MaskMail]] = {}
        for item in items:
            waiting.setdefault(item.source, deque()).append(item)
        while any(waiting.values()):
            jobs = [job for name, mail in waiting.items() if (job := self._next_job(name, mail))]
            for masks in self._drawer.draw(jobs):
                self._hand_out(masks)

    def _next_job(self, name: str, mail: deque[MaskMail]) -> tuple[S, Spectra] | None:
        """Everything up to the next spectra of this source is handled at once."""
        drawing = self._drawings[name]
        while mail:
            item = mail.popleft()
            if isinstance(item, EndOfStretch):
                self._hand_out(drawing.end(item))
            elif not (name in self._live and self._behind()):
                ended, job = drawing.take(item)
                self._hand_out(ended)
                return job
        return None

    def _hand_out(self, masks: list[Mask]) -> None:
        for mask in masks:
            self._masks(mask)
