"""The only file that knows onnxruntime: a network as a function of features and state.

One session serves one worker thread; ``run`` releases the interpreter lock while it computes.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort

from streamseg.errors import ModelError
from streamseg.messages import Float32Array
from streamseg.models.card import ModelCard

RUNTIME: str = ort.__version__
"""Version of onnxruntime."""

_PROVIDERS = {"cuda": "CUDAExecutionProvider", "cpu": "CPUExecutionProvider"}


class Session:
    """An ONNX graph held together with its card.

    Raises ModelError when the file is missing, damaged, not the one of the card, or has other
    inputs and outputs than the card says.
    """

    def __init__(self, path: Path, card: ModelCard, provider: str = "auto") -> None:
        """``provider``: auto, cpu or cuda. ``cuda`` raises ModelError where CUDA does not run."""
        self._card = card
        self._inputs = ["features", *(state.name for state in card.state)]
        self._outputs = [
            *(output.name for output in card.outputs),
            *(f"next_{state.name}" for state in card.state),
        ]
        graph = _read(path, card)
        options = ort.SessionOptions()
        # A pool of idle threads spins: 38 % of a core on a quiet machine.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        # What fails is said once, by us: a missing CUDA library fills the screen otherwise.
        ort.set_default_logger_severity(4)
        try:
            self._session = ort.InferenceSession(graph, options, providers=_wanted(provider))
        except Exception as error:  # onnxruntime raises its own kinds, all plain Exceptions
            raise ModelError(
                f"{path} is not a network that onnxruntime can run: {error}; reinstall streamseg"
            ) from None
        self._check_signature(path)
        # Only the session tells the truth: a build lists CUDA on machines that have none.
        self.provider: str = self._session.get_providers()[0].removesuffix("ExecutionProvider")
        if provider == "cuda" and self.provider != "CUDA":
            raise ModelError(
                "expected CUDA as asked by model.provider, but only the CPU runs here; "
                "install CUDA and cuDNN, or set model.provider to auto"
            )

    def run(
        self, features: Float32Array, state: Sequence[Float32Array]
    ) -> tuple[list[Float32Array], list[Float32Array]]:
        """Run a batch.

        Shape: ``features`` is (batch, frames, bands) float32, frames a multiple of the card's
        stride; ``state[i]`` is (batch, *card.state[i].shape) float32. Returns the outputs in the
        card's order, each (batch, frames // stride, classes) float32, and the next state.
        """
        feeds = dict(zip(self._inputs, (features, *state), strict=True))
        results = self._session.run(self._outputs, feeds)
        count = len(self._card.outputs)
        return results[:count], results[count:]

    def _check_signature(self, path: Path) -> None:
        found = (
            {value.name for value in self._session.get_inputs()},
            {value.name for value in self._session.get_outputs()},
        )
        if found != (set(self._inputs), set(self._outputs)):
            raise ModelError(
                f"{path}: expected the inputs {self._inputs} and outputs {self._outputs} of its "
                f"card, found {sorted(found[0])} and {sorted(found[1])}; reinstall streamseg"
            )


def initial_state(card: ModelCard, batch: int = 1) -> list[Float32Array]:
    """The state at the start of a stream, each array (batch, *shape) float32."""
    return [np.full((batch, *state.shape), state.fill, np.float32) for state in card.state]


@dataclass(frozen=True, slots=True)
class StreamState:
    """The state of one stream: a row of what the batch that it was last in left behind."""

    arrays: list[Float32Array]
    """Each (batch, *shape) float32; nobody writes to them."""
    row: int


def first_state(card: ModelCard) -> StreamState:
    """The state at the start of a stream."""
    return StreamState(initial_state(card), 0)


def joined(states: Sequence[StreamState]) -> list[Float32Array]:
    """The states of some streams as one batch, in their order.

    The same sources come in the same order again and again: then the arrays are taken as they are,
    and nothing is copied.
    """
    arrays = states[0].arrays
    if all(one.arrays is arrays and one.row == row for row, one in enumerate(states)) and all(
        len(array) == len(states) for array in arrays
    ):
        return arrays
    return [
        np.concatenate([one.arrays[index][one.row : one.row + 1] for one in states])
        for index in range(len(arrays))
    ]


def _read(path: Path, card: ModelCard) -> bytes:
    try:
        graph = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"expected a network at {path}: {error.strerror}; reinstall streamseg"
        ) from None
    digest = hashlib.sha256(graph).hexdigest()
    if digest != card.sha256:
        raise ModelError(
            f"{path}: expected the sha256 of its card ({card.sha256[:12]}...), got "
            f"{digest[:12]}...: the file is damaged or not the card's; reinstall streamseg"
        )
    return graph


def _wanted(provider: str) -> list[str]:
    cpu, cuda = _PROVIDERS["cpu"], _PROVIDERS["cuda"]
    asked = provider == "cuda" or (provider == "auto" and _has_nvidia_driver())
    # onnxruntime builds without CUDA do not list it, and would warn when asked.
    return [cuda, cpu] if asked and cuda in ort.get_available_providers() else [cpu]


def _has_nvidia_driver() -> bool:
    """Asking for CUDA without a driver prints an error: look before asking."""
    if sys.platform == "win32":
        return True
    return Path("/proc/driver/nvidia/version").exists() or Path("/dev/nvidiactl").exists()
