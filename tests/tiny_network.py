"""A very small network with state, look-ahead and stride, written by hand as ONNX."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

BANDS = 8
STRIDE = 2
TAPS = 6  # frames under the convolution: 4 of the state and one stride


def write(folder: Path, stem: str = "frame_conv", **card_changes: Any) -> Path:
    """Write ``stem.onnx`` and its card; returns the folder."""
    graph = _graph().SerializeToString()
    (folder / f"{stem}.onnx").write_bytes(graph)
    card = {
        "schema": 1,
        "stem": stem,
        "title": "test network",
        "source": "own",
        "classes": ["music", "speech", "noise"],
        "overlapping": True,
        "front_end": {
            "rate_hz": 16000,
            "n_fft": 512,
            "hop": 320,
            "n_mels": BANDS,
            "fmin_hz": 50,
            "fmax_hz": 8000,
            "floor_db": -100,
        },
        "stride": STRIDE,
        "outputs": [
            {"name": "soon", "role": "provisional", "lookahead_frames": 2},
            {"name": "sure", "role": "confirmed", "lookahead_frames": 6},
        ],
        "state": [{"name": "past", "shape": [4, BANDS]}],
        "receptive_field_s": 0.14,
        "macs_per_audio_s": 7200,
        "parameters": 147,
        "training": {"command": "none", "seed": 0, "hours_of_audio": 0, "data": []},
        "sha256": hashlib.sha256(graph).hexdigest(),
    }
    (folder / f"{stem}.json").write_text(json.dumps(card | card_changes))
    return folder


def _graph() -> onnx.ModelProto:
    rng = np.random.default_rng(0)
    weights = {
        "kernel": rng.normal(0, 0.02, (3, BANDS, TAPS)).astype(np.float32),
        "keep_from": np.array([-4], np.int64),
        "end": np.array([2**31 - 1], np.int64),
        "axis": np.array([1], np.int64),
    }
    nodes = [
        helper.make_node("Concat", ["past", "features"], ["seen"], axis=1),
        helper.make_node("Transpose", ["seen"], ["columns"], perm=[0, 2, 1]),
        helper.make_node("Conv", ["columns", "kernel"], ["scores"], strides=[STRIDE]),
        helper.make_node("Sigmoid", ["scores"], ["prob"]),
        helper.make_node("Transpose", ["prob"], ["soon"], perm=[0, 2, 1]),
        helper.make_node("Mul", ["soon", "soon"], ["sure"]),
        helper.make_node("Slice", ["seen", "keep_from", "end", "axis"], ["next_past"]),
    ]

    def value(name: str, shape: list[Any]) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    graph = helper.make_graph(
        nodes,
        "tiny",
        [value("features", ["batch", "frames", BANDS]), value("past", ["batch", 4, BANDS])],
        [value(name, ["batch", "out", 3]) for name in ("soon", "sure")]
        + [value("next_past", ["batch", 4, BANDS])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
