"""The front ends of the trained networks, and features from samples exactly as at run time.

Here and not beside the networks, because renderer processes need them without torch.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from streamseg.frontend.mel import LogMel
from streamseg.frontend.norm import RunningNorm
from streamseg.frontend.resample import Resampler
from streamseg.messages import Float32Array
from streamseg.models.card import FrontEndSpec, NormSpec
from streamseg.training.data import RATE_HZ

ACTIVITY = FrontEndSpec(
    rate_hz=16000,
    n_fft=1024,  # 64 ms: harmonics of a low voice stay apart, and so does vibrato
    hop=320,  # 20 ms
    n_mels=80,
    fmin_hz=40.0,
    fmax_hz=8000.0,
    floor_db=-100.0,
    norm=None,
)

FRAME_CONV = FrontEndSpec(
    rate_hz=44100,
    n_fft=1024,
    hop=1764,  # 40 ms, the paper's 882 * 2
    n_mels=40,
    fmin_hz=0.0,
    fmax_hz=22050.0,
    floor_db=-100.0,
    norm=NormSpec(time_constant_s=60.0, min_deviation_db=3.0, gate_db=-80.0, clip=4.0),
)

PARALLEL_CNN = FrontEndSpec(
    rate_hz=44100,
    n_fft=3072,
    hop=1536,  # 50 % overlap: 80 frames are the paper's 124416 samples, 2.82 s
    n_mels=40,
    fmin_hz=0.0,
    fmax_hz=22050.0,
    floor_db=-100.0,
    norm=None,
)

WINDOW_MASK = FrontEndSpec(
    rate_hz=44100,
    n_fft=512,
    hop=128,  # the paper's; a window of 256 frames is 0.74 s
    n_mels=192,  # bins: 9 windows of 64 at steps of 16, the paper's M
    fmin_hz=0.0,
    fmax_hz=192 * 44100 / 512,  # 16.5 kHz
    floor_db=-100.0,
    norm=None,
    scale="linear",
)

STEM_UNET = FrontEndSpec(
    rate_hz=22050,  # the paper's
    n_fft=2048,  # 93 ms: the harmonics of a voice stay apart (the paper gives no size)
    hop=512,  # 23 ms
    n_mels=1024,  # bins, all but that of half the rate
    fmin_hz=0.0,
    fmax_hz=11025.0,
    floor_db=-80.0,
    norm=None,
    scale="linear",
)

STEM_UNET_SMALL = replace(
    STEM_UNET,
    long_n_fft=8192,  # 372 ms: notes of a bass stay apart
    long_bins=512,  # up to 1.4 kHz
)

FRONTS: dict[str, FrontEndSpec] = {
    "activity": ACTIVITY,
    "frame_conv": FRAME_CONV,
    "parallel_cnn": PARALLEL_CNN,
}
SHARED = ("activity", "frame_conv")
"""Front ends that are rendered together, into the shards and cases that these networks share."""


def front_of(stem: str) -> str:
    """The front end of a network: its own, or the one that the three ``parallel_cnn`` share."""
    return "parallel_cnn" if stem.startswith("parallel_cnn") else stem


def features(spec: FrontEndSpec, samples: Float32Array, rate_hz: int = RATE_HZ) -> Float32Array:
    """Decibels before normalisation, (frames, n_mels) float32; ``samples`` (n,) at ``rate_hz``."""
    resampler = Resampler(rate_hz, spec.rate_hz)
    mel = LogMel(
        spec.rate_hz, spec.n_fft, spec.hop, spec.n_mels, spec.fmin_hz, spec.fmax_hz, spec.floor_db
    )
    converted = np.concatenate((resampler.push(samples), resampler.flush()))
    return mel.push(converted)


def normalised(spec: FrontEndSpec, raw: Float32Array) -> Float32Array:
    """The causal normalisation of the card applied to ``features``, from the start of a stream."""
    if spec.norm is None:
        return raw
    n = spec.norm
    running = RunningNorm(
        spec.n_mels, spec.hop_s, n.time_constant_s, n.min_deviation_db, n.gate_db, n.clip
    )
    return running.push(raw)


def cell_of_frames(spec: FrontEndSpec, frames: int, stride: int = 1) -> NDArray[np.int64]:
    """The 20 ms label cell in which the middle of each output frame lies, (frames / stride,)."""
    outputs = np.arange(frames // stride)
    middle_s = (outputs * stride + (stride - 1) / 2) * spec.hop_s + spec.n_fft / 2 / spec.rate_hz
    return np.asarray(np.floor(middle_s / 0.02), np.int64)
