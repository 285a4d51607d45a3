"""Makes ``demo.opus`` and ``demo.csv``: ninety seconds of a station that does not exist.

Run by hand by maintainers (``python assets/make_demo.py``) after a change to the programme;
users get the two files it writes. Needs Debian's espeak-ng, fluidsynth and fluid-soundfont-gm
and the development environment. Seeded: the same tools give the same samples.

The reference is measured, not planned: a row's start and end are where its own layer, before
mixing, rises above and falls below 30 dB under its level.
"""

import csv
import io
import subprocess
from dataclasses import dataclass
from pathlib import Path

import av
import demo_music
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from scipy import ndimage, signal

Stereo = NDArray[np.float64]  # (frames, 2), full scale 1.0

RATE_HZ = 48_000
SEED = 2026
DURATION_S = 90.0
PROGRAMME_LUFS = -23.0  # EBU R 128
BIT_RATE = 72_000  # 90 s in about 0.8 MB
HERE = Path(__file__).parent

ANCHOR = [
    "You are listening to Harbour Radio, on ninety four point two.",
    "It is eight o'clock. Here is what the evening brings.",
    "The ferries are running again, after two days of storm.",
    "The old lighthouse opens its doors to visitors on Saturday.",
    "And we have music for you, until the clock strikes ten.",
]
GUEST = [
    "That was our house band, recorded in the small studio upstairs.",
    "And now let us look at the weather. A front is moving in from the west.",
    "Our reporter is out on the pier.",
]
REPORTER = [
    "Thank you. Well, it is pouring down here, as you can hear.",
    "The fishing boats came home early, and the cafe is full of wet dogs.",
    "Back to you in the studio.",
]


@dataclass(frozen=True, slots=True)
class Layer:
    """One sound of the programme: what it is, where it stands, how loud it is."""

    label: str
    start_s: float
    samples: Stereo
    level_dbfs: float  # root mean square where the layer sounds
    fade_in_s: float = 0.01
    fade_out_s: float = 0.05


def room(samples: NDArray[np.float64], rng: np.random.Generator, wet_db: float) -> Stereo:
    """A voice (frames,) in a small treated room: exponentially decaying noise, 0.15 s RT60."""
    decay_s = 0.15
    time_s = np.arange(int(decay_s * RATE_HZ)) / RATE_HZ
    tail = rng.standard_normal((len(time_s), 2)) * 10 ** (-3 * time_s / decay_s)[:, None]
    tail[: int(0.004 * RATE_HZ)] = 0  # the first wall is some 1.4 m of path away
    low_pass = signal.butter(1, 4500, "low", fs=RATE_HZ, output="sos")
    tail = signal.sosfilt(low_pass, tail, axis=0)
    tail *= 10 ** (wet_db / 20) / np.sqrt((tail**2).sum(axis=0))
    dry = np.pad(samples, (0, len(tail) - 1))
    wet: Stereo = signal.fftconvolve(samples[:, None], tail, axes=0)
    return dry[:, None] + wet


def voice(
    sentences: list[str], variant: str, rng: np.random.Generator, wpm: int, pitch: int
) -> Stereo:
    """espeak-ng reads the sentences, each with its own pace and pitch, as a presenter does."""
    parts = []
    for sentence in sentences:
        pace, tone = wpm + int(rng.integers(-8, 9)), pitch + int(rng.integers(-4, 5))
        spoken = subprocess.run(
            ["espeak-ng", "-v", variant, "-s", str(pace), "-p", str(tone), "--stdout", sentence],
            check=True, capture_output=True,
        ).stdout  # fmt: skip
        samples, native_hz = soundfile.read(io.BytesIO(spoken))
        heard = np.flatnonzero(np.abs(samples) > 1e-3)
        samples = samples[heard[0] : heard[-1] + 1]
        parts += [soxr.resample(samples, native_hz, RATE_HZ), np.zeros(int(0.3 * RATE_HZ))]
    dry = np.concatenate(parts[:-1])
    # A microphone's proximity, then the consonants that a formant synthesiser leaves weak.
    sections = np.vstack(
        [
            signal.butter(2, 80, "high", fs=RATE_HZ, output="sos"),
            peak_filter(180, 2.5),
            peak_filter(4800, 4.0),
        ]
    )
    spoken_at_mic = breathe(compress(signal.sosfilt(sections, dry)), rng)
    return room(spoken_at_mic, rng, wet_db=-16)


def breathe(samples: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Adds what a formant synthesiser lacks: breath, and the hiss of a studio in the pauses.

    The breath is noise under the voice's own spectral envelope, strong above 3 kHz where real
    voices are mostly noise; the hiss is pink, 40 dB under the voice.
    """
    size, step = 1024, 256  # 21 ms and 5 ms
    stft = signal.ShortTimeFFT(signal.windows.hann(size, sym=False), step, RATE_HZ)
    envelope = ndimage.uniform_filter1d(np.abs(stft.stft(samples)), 15, axis=0)
    air = stft.stft(rng.standard_normal(len(samples)))
    air *= 0.6 * np.clip(stft.f / 3000, 0.05, 1)[:, None] / np.sqrt((np.abs(air) ** 2).mean())
    breath = stft.istft(envelope * air, k1=len(samples))
    frequency_hz = np.maximum(np.fft.rfftfreq(len(samples), 1 / RATE_HZ), 40)
    hiss = np.fft.irfft(
        np.fft.rfft(rng.standard_normal(len(samples))) / np.sqrt(frequency_hz), len(samples)
    )
    hiss *= 10 ** (-40 / 20) * samples.std() / hiss.std()
    return np.asarray(samples + breath + hiss, np.float64)


def peak_filter(centre_hz: float, gain_db: float, quality: float = 0.8) -> NDArray[np.float64]:
    """One bell of an equaliser as a second-order section (R. Bristow-Johnson's cookbook)."""
    amplitude, omega = 10 ** (gain_db / 40), 2 * np.pi * centre_hz / RATE_HZ
    alpha = np.sin(omega) / (2 * quality)
    head = [1 + alpha * amplitude, -2 * np.cos(omega), 1 - alpha * amplitude]
    tail = [1 + alpha / amplitude, -2 * np.cos(omega), 1 - alpha / amplitude]
    return np.array([[*head, *tail]], np.float64) / float(tail[0])


def compress(samples: NDArray[np.float64], ratio: float = 2.5) -> NDArray[np.float64]:
    """Evens a voice out as a station's chain does: level above the mean is divided by ratio."""
    smoother = signal.butter(1, 8, "low", fs=RATE_HZ, output="sos")
    envelope = np.sqrt(np.maximum(signal.sosfiltfilt(smoother, samples**2), 1e-10))
    over = np.maximum(envelope / np.sqrt((samples**2).mean()), 1)
    return np.asarray(samples * over ** (1 / ratio - 1), np.float64)


def swell(frames: int, cutoff_hz: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """A random curve of unit variance, (frames,), that moves no faster than ``cutoff_hz``."""
    settle = 4 * RATE_HZ  # the filter's own beginning and end are no part of the curve
    slow = signal.butter(2, cutoff_hz, "low", fs=RATE_HZ, output="sos")
    curve = signal.sosfiltfilt(slow, rng.standard_normal(frames + 2 * settle))[settle:-settle]
    return np.asarray(curve / curve.std(), np.float64)


def rain(seconds: float, rng: np.random.Generator) -> Stereo:
    """Rain on a pier: a hiss that gusts of wind colour, and thousands of single drops."""
    frames = int(seconds * RATE_HZ)
    band = signal.butter(2, (500, 11_000), "band", fs=RATE_HZ, output="sos")
    hiss = signal.sosfilt(band, rng.standard_normal((frames, 2)), axis=0)
    low = signal.butter(2, (60, 400), "band", fs=RATE_HZ, output="sos")
    wind = signal.sosfilt(low, rng.standard_normal((frames, 2)), axis=0) * 3.0
    gust = np.exp(0.4 * swell(frames, 0.5, rng))[:, None]
    drops = np.zeros((frames, 2))
    for at in rng.integers(0, frames - 2400, int(160 * seconds)):
        length = int(rng.integers(80, 500))
        shape = np.exp(-5 * np.arange(length) / length) * rng.standard_normal(length)
        drops[at : at + length] += shape[:, None] * rng.uniform(0.3, 1, 2) * rng.lognormal(0.5, 0.4)
    return np.asarray(hiss * gust**0.3 + wind * gust + 0.5 * drops, np.float64)


def static(seconds: float, rng: np.random.Generator) -> Stereo:
    """A receiver between stations: hiss that swells and fades, and crackle; mono, 6 kHz wide."""
    frames = int(seconds * RATE_HZ)
    band = signal.butter(4, (150, 6000), "band", fs=RATE_HZ, output="sos")
    hiss = rng.standard_normal(frames) * np.exp(0.35 * swell(frames, 1.5, rng))
    sparks = (rng.random(frames) < 25 / RATE_HZ) * rng.standard_normal(frames) * 30
    # The receiver's detector saturates, and so limits what a spark can do.
    samples = signal.sosfilt(band, 3 * np.tanh((hiss + sparks) / 3))
    return np.repeat(samples[:, None], 2, axis=1)


def active_level_db(samples: Stereo) -> tuple[float, NDArray[np.bool_]]:
    """Root mean square in dBFS over the 10 ms frames that sound, and which those are."""
    hop = RATE_HZ // 100
    frames = samples[: len(samples) // hop * hop].reshape(-1, hop * 2)
    power_db = 10 * np.log10((frames**2).mean(axis=1) + 1e-20)
    loud = power_db > power_db.max() - 40
    level = 10 * np.log10((10 ** (power_db[loud] / 10)).mean())
    return float(level), power_db > level - 30


def place(layer: Layer, programme: Stereo) -> tuple[float, float]:
    """Adds the layer to the programme; where it starts and ends, in seconds."""
    samples = layer.samples[: len(programme) - int(layer.start_s * RATE_HZ)].copy()
    fade_in, fade_out = (int(s * RATE_HZ) for s in (layer.fade_in_s, layer.fade_out_s))
    samples[:fade_in] *= np.sin(np.linspace(0, np.pi / 2, fade_in))[:, None] ** 2
    samples[-fade_out:] *= np.cos(np.linspace(0, np.pi / 2, fade_out))[:, None] ** 2
    level, sounding = active_level_db(samples)
    samples *= 10 ** ((layer.level_dbfs - level) / 20)
    at = int(layer.start_s * RATE_HZ)
    programme[at : at + len(samples)] += samples
    heard = np.flatnonzero(sounding)
    return layer.start_s + heard[0] / 100, layer.start_s + (heard[-1] + 1) / 100


def loudness_lufs(samples: Stereo) -> float:
    """Integrated loudness, ITU-R BS.1770-4 (annex 1, table 1 and 2: filters for 48 kHz)."""
    shelf = [1.53512485958697, -2.69169618940638, 1.19839281085285,
             1, -1.69065929318241, 0.73248077421585]  # fmt: skip
    high_pass = [1, -2, 1, 1, -1.99004745483398, 0.99007225036621]
    weighted = signal.sosfilt(np.array([shelf, high_pass]), samples, axis=0) ** 2
    hop, width = RATE_HZ // 10, 4
    steps = weighted[: len(weighted) // hop * hop].reshape(-1, hop, 2).mean(axis=1).sum(axis=1)
    blocks = np.convolve(steps, np.ones(width) / width, "valid")
    heard = blocks[blocks > 10 ** ((-70 + 0.691) / 10)]
    heard = heard[heard > heard.mean() / 10]
    return float(-0.691 + 10 * np.log10(heard.mean()))


def layers(rng: np.random.Generator) -> list[Layer]:
    """The programme. Levels are what the ear of an engineer would set, before loudness."""

    def music(piece: demo_music.Piece, seconds: float) -> Stereo:
        return demo_music.render(piece, RATE_HZ, rng)[: int(seconds * RATE_HZ)]

    anchor = voice(ANCHOR, "en-gb-scotland+m8", rng, wpm=158, pitch=45)
    guest = voice(GUEST, "en-us+f3", rng, wpm=160, pitch=52)
    reporter = voice(REPORTER, "en-gb-x-rp+f3", rng, wpm=166, pitch=40)
    return [
        Layer("music", 0.2, music(demo_music.jingle(), 8.6), -20, fade_out_s=1.0),
        Layer("music", 8.4, music(demo_music.bed(), 9.2), -30, 0.3, fade_out_s=1.2),
        Layer("speech", 8.9, anchor, -20),
        Layer("music", 26.2, music(demo_music.song(), 13.0), -20, fade_out_s=0.8),
        Layer("speech", 39.3, guest, -20),
        Layer("noise", 50.5, rain(15.9, rng), -28, 0.4, 0.4),
        Layer("speech", 56.6, reporter, -20),
        Layer("noise", 71.0, static(6.2, rng), -25, 0.02, 0.1),
        Layer("music", 77.3, music(demo_music.finale(), 12.6), -20, fade_out_s=1.0),
    ]


def dead_air(programme: Stereo, shortest_s: float = 2.0) -> list[tuple[float, float]]:
    """Runs of digital zeros that are long enough to be a fault, in seconds."""
    edges = np.flatnonzero(np.diff(np.pad(programme.any(axis=1), 1, constant_values=True)))
    runs = edges.reshape(-1, 2) / RATE_HZ
    return [(float(a), float(b)) for a, b in runs if b - a >= shortest_s]


def encode(samples: Stereo, path: Path) -> None:
    """Writes Opus in Ogg; bit-exact flags keep random serial numbers and dates out."""
    options = {"fflags": "+bitexact"}
    with av.open(str(path), "w", format="ogg", options=options) as container:
        stream = container.add_stream("libopus", rate=RATE_HZ, layout="stereo")
        assert isinstance(stream, av.AudioStream)
        stream.bit_rate = BIT_RATE
        stream.options = {"application": "audio", "vbr": "on", "flags": "+bitexact"}
        block = np.ascontiguousarray(samples.astype(np.float32).reshape(1, -1))
        frame = av.AudioFrame.from_ndarray(block, format="flt", layout="stereo")
        frame.sample_rate = RATE_HZ
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def main() -> None:
    """Makes the programme, checks it, and writes sound and reference."""
    programme = np.zeros((int(DURATION_S * RATE_HZ), 2))
    rows = [
        (*place(layer, programme), layer.label) for layer in layers(np.random.default_rng(SEED))
    ]
    rows += [(*gap, "silence") for gap in dead_air(programme)]
    programme *= 10 ** ((PROGRAMME_LUFS - loudness_lufs(programme)) / 20)
    assert np.abs(programme).max() < 0.7, f"too near to clipping: {np.abs(programme).max():.2f}"
    encode(programme, HERE / "demo.opus")
    with open(HERE / "demo.csv", "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["start_s", "end_s", "label"])
        table.writerows((f"{a:.2f}", f"{b:.2f}", label) for a, b, label in sorted(rows))


if __name__ == "__main__":
    main()
