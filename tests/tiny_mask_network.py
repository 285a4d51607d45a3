"""Small mask networks of the real one's geometry, written by hand as ONNX.

``write`` makes a streaming graph with random weights and its card, ``window_graph`` the same
weights as the network of a single 256 x 64 window: what a sliding window without streaming would
run. ``write_level`` makes one whose answers a test can foretell: windows with a pixel above 0 dB
are music, others are noise.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

BANDS, MAPS, LAYERS = 192, 3, 4
UNIT, WINDOW_FRAMES, WINDOW_BINS = 16, 256, 64
CLASSES = ["music", "speech", "noise"]
DELAY = 2  # keeps the pools of the stream in step with those of a window


def write(folder: Path, stem: str = "window_mask", **card_changes: Any) -> Path:
    """Write ``stem.onnx`` and its card; returns the folder."""
    states = [{"name": name, "shape": shape} for name, shape in _states().items()]
    return _save(folder, stem, _stream_graph(), {"state": states} | card_changes)


def write_level(folder: Path, stem: str = "window_mask") -> Path:
    """Write the network that hears nothing but level; returns the folder."""
    before = WINDOW_FRAMES - UNIT
    pool = {"kernel_shape": [WINDOW_FRAMES, WINDOW_BINS], "strides": [UNIT, UNIT]}
    nodes = [
        helper.make_node("Concat", ["past", "features"], ["seen"], axis=1),
        helper.make_node("Slice", ["seen", "at_-240", "at_end", "axis_1"], ["next_past"]),
        helper.make_node("Unsqueeze", ["seen", "axis_1"], ["x"]),
        helper.make_node("MaxPool", ["x"], ["loudest"], **pool),
        helper.make_node("Sigmoid", ["loudest"], ["music"]),
        helper.make_node("Sub", ["one", "music"], ["noise"]),
        helper.make_node("Sub", ["one", "one"], ["nothing"]),
        helper.make_node("Mul", ["music", "nothing"], ["speech"]),
        helper.make_node("Concat", ["music", "speech", "noise"], ["classes"], axis=1),
        helper.make_node("Transpose", ["classes"], ["prob"], perm=[0, 2, 3, 1]),
    ]
    past = ["batch", before, BANDS]
    graph = _model(
        nodes,
        {"features": ["batch", "frames", BANDS], "past": past},
        {"prob": ["batch", "steps", 9, 3], "next_past": past},
    )
    return _save(folder, stem, graph, {"state": [{"name": "past", "shape": past[1:]}]})


def _save(folder: Path, stem: str, model: ModelProto, changes: dict[str, Any]) -> Path:
    graph = model.SerializeToString()
    (folder / f"{stem}.onnx").write_bytes(graph)
    card = {
        "schema": 1,
        "stem": stem,
        "title": "test network",
        "source": "own",
        "classes": CLASSES,
        "overlapping": False,
        "front_end": {
            "rate_hz": 44100,
            "n_fft": 512,
            "hop": 128,
            "n_mels": BANDS,
            "fmin_hz": 0,
            "fmax_hz": 16537.5,
            "floor_db": -100,
            "scale": "linear",
        },
        "stride": UNIT,
        "outputs": [{"name": "prob", "role": "confirmed", "lookahead_frames": 0}],
        "map": {"unit_frames": 16, "unit_bins": 16, "window_frames": 256, "window_bins": 64},
        "receptive_field_s": 0.75,
        "macs_per_audio_s": 1e6,
        "parameters": 600,
        "training": {"command": "none", "seed": 0, "hours_of_audio": 0, "data": []},
        "sha256": hashlib.sha256(graph).hexdigest(),
    }
    (folder / f"{stem}.json").write_text(json.dumps(card | changes))
    return folder


def window_graph() -> bytes:
    """Features (windows, 256, 64) to ``prob`` (windows, 1, 1, 3)."""
    nodes, last = [*_scaling()], "x"
    for layer in range(LAYERS):
        nodes += _convolution(layer, last)
        last = f"relu_{layer}"
    nodes += _decision(last)
    shape = ["windows", WINDOW_FRAMES, WINDOW_BINS]
    return _model(nodes, {"features": shape}, {"prob": ["windows", 1, 1, 3]}).SerializeToString()


def _stream_graph() -> ModelProto:
    nodes, last = [*_scaling()], "x"
    for layer, (name, shape) in enumerate(_states().items()):
        seen, context = f"seen_{layer}", shape[1]
        nodes.append(helper.make_node("Concat", [name, last], [seen], axis=2))
        nodes.append(_columns(seen, f"next_{name}", -context, None))
        if layer == 0:
            nodes.append(_columns(seen, "late", None, -DELAY))
            seen = "late"
        nodes += _convolution(layer, seen) if layer < LAYERS else _decision(seen)
        last = f"relu_{layer}"
    inputs = {name: ["batch", *shape] for name, shape in _states().items()}
    outputs = {f"next_{name}": shape for name, shape in inputs.items()}
    return _model(
        nodes,
        {"features": ["batch", "frames", BANDS]} | inputs,
        {"prob": ["batch", "steps", 9, 3]} | outputs,
    )


def _states() -> dict[str, list[int]]:
    """Name and shape of the left context of every layer."""
    states, bins, inputs = {}, BANDS, 1
    for layer in range(LAYERS):
        states[f"state_{layer}"] = [inputs, 2 + DELAY * (layer == 0), bins]
        bins, inputs = (bins - 2) // 2, MAPS
    return states | {f"state_{LAYERS}": [MAPS, 13, bins]}


def _scaling() -> list[NodeProto]:
    return [
        helper.make_node("Add", ["features", "offset"], ["lifted"]),
        helper.make_node("Mul", ["lifted", "scale"], ["scaled"]),
        helper.make_node("Unsqueeze", ["scaled", "axis_1"], ["x"]),
    ]


def _convolution(layer: int, source: str) -> list[NodeProto]:
    pool = {"kernel_shape": [2, 2], "strides": [2, 2]}
    return [
        helper.make_node("Conv", [source, f"kernel_{layer}"], [f"conv_{layer}"]),
        helper.make_node("MaxPool", [f"conv_{layer}"], [f"pool_{layer}"], **pool),
        helper.make_node("Relu", [f"pool_{layer}"], [f"relu_{layer}"]),
    ]


def _decision(source: str) -> list[NodeProto]:
    return [
        helper.make_node("Conv", [source, f"kernel_{LAYERS}"], ["scores"]),
        helper.make_node("Transpose", ["scores"], ["logits"], perm=[0, 2, 3, 1]),
        helper.make_node("Softmax", ["logits"], ["prob"], axis=3),
    ]


def _columns(source: str, target: str, start: int | None, stop: int | None) -> NodeProto:
    """Slice along time; the numbers are weights of the graph by the names used here."""
    return helper.make_node(
        "Slice", [source, f"at_{start or 0}", f"at_{stop or 'end'}", "axis_2"], [target]
    )


def _model(nodes: list[NodeProto], inputs: dict[str, list], outputs: dict[str, list]) -> ModelProto:
    def values(shapes: dict[str, list]) -> list:
        return [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name, shape in shapes.items()
        ]

    used = {name for node in nodes for name in node.input}
    weights = [numpy_helper.from_array(w, name) for name, w in _weights().items() if name in used]
    graph = helper.make_graph(nodes, "tiny mask", values(inputs), values(outputs), weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _weights() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(7)
    shapes = [(MAPS, 1, 3, 3), *[(MAPS, MAPS, 3, 3)] * (LAYERS - 1), (3, MAPS, 14, 2)]
    weights = {
        f"kernel_{layer}": rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape).astype(np.float32)
        for layer, shape in enumerate(shapes)
    }
    weights[f"kernel_{LAYERS}"] *= 4  # probabilities that differ from window to window
    numbers = {f"at_{place}": np.array([place], np.int64) for place in (0, -2, -4, -13, -240)}
    return (
        weights
        | numbers
        | {
            "at_end": np.array([2**31 - 1], np.int64),
            "axis_1": np.array([1], np.int64),
            "axis_2": np.array([2], np.int64),
            "offset": np.array(50, np.float32),
            "scale": np.array(0.04, np.float32),
            "one": np.array(1, np.float32),
        }
    )
