"""What streaming saves ``window_mask``: ``python benchmarks/bench_window_mask.py``.

The same weights twice, on one core: as the product runs them, a stream that keeps what windows
share, and as a sliding window, every 64 x 256 window through the network by itself (nine at a time,
those that end together). The answers are held against each other before any time is taken. Then
the whole way of the product, front end and map included, in times real time.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from streamseg.frontend.features import log_bands
from streamseg.messages import STEP, Float32Array, Spectra
from streamseg.models import MaskJob, load_card, load_mask_network
from streamseg.models.session import Session, initial_state
from streamseg.resources import models_dir

STEM = "window_mask"
PIECE = 256  # frames a call, 0.74 s, as ``streamseg mask`` has it
RATE_HZ = 44_100


def window_session(path: Path) -> onnxruntime.InferenceSession:
    """The network of a single window: features (windows, 256, 64) to prob (windows, 1, 1, 3)."""
    graph = onnx.load(path).graph
    weights = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    constants = {
        "offset": np.array(50, np.float32),
        "scale": np.array(0.04, np.float32),
        "axis": np.array([1], np.int64),
    }
    nodes = [
        helper.make_node("Add", ["features", "offset"], ["lifted"]),
        helper.make_node("Mul", ["lifted", "scale"], ["scaled"]),
        helper.make_node("Unsqueeze", ["scaled", "axis"], ["x"]),
    ]
    last = "x"
    for layer, node in enumerate(convolutions):
        names = [f"{kind}_{layer}" for kind in ("weight", "bias")]
        constants |= dict(zip(names, (weights[name] for name in node.input[1:]), strict=True))
        nodes.append(helper.make_node("Conv", [last, *names], [f"conv_{layer}"]))
        last = f"conv_{layer}"
        if node is not convolutions[-1]:
            pool = {"kernel_shape": [2, 2], "strides": [2, 2]}
            nodes.append(helper.make_node("MaxPool", [last], [f"pool_{layer}"], **pool))
            nodes.append(helper.make_node("Relu", [f"pool_{layer}"], [f"relu_{layer}"]))
            last = f"relu_{layer}"
    nodes.append(helper.make_node("Transpose", [last], ["logits"], perm=[0, 2, 3, 1]))
    nodes.append(helper.make_node("Softmax", ["logits"], ["prob"], axis=3))
    made = helper.make_graph(
        nodes,
        "window",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["windows", 256, 64])],
        [helper.make_tensor_value_info("prob", TensorProto.FLOAT, ["windows", 1, 1, 3])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options)


def sliding(session: onnxruntime.InferenceSession, features: Float32Array) -> Float32Array:
    """Every window by itself, (steps, 9, 3)."""
    steps = []
    for first in range(0, len(features) - 255, 16):
        frames = features[first : first + 256]
        stack = np.stack([frames[:, m : m + 64] for m in range(0, 129, 16)])
        steps.append(session.run(["prob"], {"features": stack})[0][:, 0, 0])
    return np.stack(steps)


def streaming(session: Session, features: Float32Array) -> Float32Array:
    """As a stream, (steps, 9, 3), cold ones included."""
    state, said = initial_state(load_card(STEM)), []
    for first in range(0, len(features), PIECE):
        (prob,), state = session.run(features[None, first : first + PIECE], state)
        said.append(prob[0])
    return np.concatenate(said)


def whole_way(samples: Float32Array) -> None:
    """Samples to final masks, as ``streamseg mask`` does it."""
    network = load_mask_network(STEM, "cpu")
    front, stream = log_bands(network.card.front_end), network.open(RATE_HZ)
    for first in range(0, len(samples), RATE_HZ * 3 // 4):
        features = front.push(samples[first : first + RATE_HZ * 3 // 4])
        power = np.zeros(len(features), np.float32)
        spectra = Spectra("", features, power, np.empty(0, STEP), first, 0)
        network.run([MaskJob(stream, spectra)])
    network.finish(stream, "", 0)


def processor_s(work: Callable[[], object], times: int = 3) -> float:
    """Least processor time of a few runs: others on the machine make it longer, never shorter."""
    spent = []
    for _ in range(times):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return min(spent)


@click.command()
@click.option("--seconds", default=12.0, show_default=True, help="sound for the sliding window")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="write figures")
def main(seconds: float, json_path: Path | None) -> None:
    """Compare, measure, print."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    card = load_card(STEM)
    random = np.random.default_rng(0)
    samples = (0.05 * random.standard_normal(int(60 * RATE_HZ))).astype(np.float32)
    features = log_bands(card.front_end).push(samples)
    short = features[: int(seconds / card.front_end.hop_s) // PIECE * PIECE]
    path = models_dir() / f"{STEM}.onnx"
    window, stream = window_session(path), Session(path, card, "cpu")
    gap = float(np.abs(sliding(window, short) - streaming(stream, short)[15:]).max())
    duration_s = len(short) * card.front_end.hop_s
    naive_s = processor_s(lambda: sliding(window, short)) / duration_s
    stream_s = processor_s(lambda: streaming(stream, short)) / duration_s
    product_s = processor_s(lambda: whole_way(samples)) / 60
    figures = {
        "largest_difference": gap,
        "sliding_times_real_time": 1 / naive_s,
        "streaming_times_real_time": 1 / stream_s,
        "sliding_over_streaming": naive_s / stream_s,
        "product_times_real_time": 1 / product_s,
    }
    print(f"largest difference of a probability      {gap:.1e}")
    print(f"every window by itself                   {1 / naive_s:6.1f} x real time")
    print(f"one stream                               {1 / stream_s:6.1f} x real time")
    print(f"cost of the sliding window over a stream {naive_s / stream_s:6.1f}")
    print(f"front end, network and map               {1 / product_s:6.1f} x real time")
    print(f"(processor time of one core; load {np.round(os.getloadavg(), 1)})")
    if json_path:
        json_path.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
