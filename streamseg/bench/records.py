"""What is measured, as records: their fields are the keys of ``streamseg bench --json``.

Times are processor time of one core unless a name says otherwise. "Times real time" is seconds of
sound per second.
"""

from __future__ import annotations

from dataclasses import dataclass

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Machine:
    """Where it was measured."""

    processor: str
    cores: int
    system: str
    python: str
    numpy: str
    onnxruntime: str
    load: float | None
    """What else ran in the last minute, in cores."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the ratios stand against."""

    matmul_gmacs: float
    """Billions of multiply-adds a second of a float32 product of two 1024 x 1024 matrices."""
    scipy_features_ms: float
    """scipy's features of a whole file (resample, transform, bands, decibels) per second of it, for
    the front end of the default network."""
    streaming_features_ms: float
    """The streaming front end, level included, for the same sound in calls of one second."""
    streaming_over_scipy: float


@dataclass(frozen=True, slots=True)
class Batch:
    """Sources side by side, from their samples to what is said of them."""

    sources: int
    piece_s: float
    """Sound of each source per call of the network."""
    times_real_time: float
    """Source-seconds per second: front end, network, decisions."""
    network_times_real_time: float
    """The network alone, with its states put together and taken apart."""


@dataclass(frozen=True, slots=True)
class Hour:
    """Processor seconds for an hour of stereo at 48 kHz, in pieces as a monitor has them."""

    decode: float
    resample: float
    stft: float
    mel: float
    """Power of the bands, decibels, normalisation."""
    measures: float
    """Level of every frame; loudness, true peak and channels for the alarms."""
    network: float
    decisions: float
    """Segments, alarms, the trace of every second; the map of a mask is made by its network."""
    sinks: float

    @property
    def total(self) -> float:
        """Everything."""
        front = self.decode + self.resample + self.stft + self.mel + self.measures
        return front + self.network + self.decisions + self.sinks


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the program that allocates."""

    where: str
    times: float
    """Per block."""
    bytes: float
    """Per block."""


@dataclass(frozen=True, slots=True)
class Steady:
    """Front end and network after a while: what a block allocates, and whether anything grows.

    Counted are lines of the program that take 512 bytes or more while they run; what onnxruntime
    keeps inside does not show.
    """

    block_s: float
    blocks: int
    allocations_per_block: float
    allocations_per_s: float
    bytes_per_block: float
    growth_bytes_per_block: float
    places: tuple[Place, ...]
    """All of them, the largest first."""


@dataclass(frozen=True, slots=True)
class NetworkFigures:
    """One network on one core."""

    stem: str
    provider: str
    single_times_real_time: float
    """One source through the engine in long pieces, decoded samples to decisions."""
    live_times_real_time: float
    """The same in pieces as ``model.block_s`` has them for live sound."""
    batches: tuple[Batch, ...]
    hour: Hour
    macs_per_audio_s: float
    network_gmacs: float
    """Billions of multiply-adds a second, in the batch in which the network runs best."""
    times_limit: float
    """Time of the network over that of as many multiply-adds in a large matrix product."""
    naive_over_streaming: float
    """Cost of a sliding window (every answer from its own past) over that of the stream."""
    peak_memory_mb: float
    """Of a process that scans the demo programme with it."""
    steady: Steady


@dataclass(frozen=True, slots=True)
class Spread:
    """A latency over many answers."""

    p50_ms: float
    p95_ms: float
    p99_ms: float


@dataclass(frozen=True, slots=True)
class Latency:
    """From the moment at which a sound was made to the answer about it."""

    answer: str
    count: int
    """Of answers; where there was none the times are nought."""
    total: Spread
    algorithmic: Spread
    """What lies in the method: frames, look-ahead, pieces, blocks of the source."""
    computing: Spread
    """From the block that completes a piece to the answer."""


@dataclass(frozen=True, slots=True)
class Live:
    """The whole monitor with one source at the speed of its sound."""

    source: str
    model: str
    mask: str
    seconds: float
    block_s: float
    cpu_percent_of_core: float
    """Capture or decoding, front ends, both networks, decisions, alarms, log and trace; the
    capture process of a device too."""
    memory_mb: float
    latencies: tuple[Latency, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """All of it."""

    schema: int
    version: str
    effort: str
    """``quick`` or ``full``."""
    machine: Machine
    limits: Limits
    networks: tuple[NetworkFigures, ...]
    live: Live
