"""What happens to sound on its way to a listener: rooms, bands, codecs, hum, clipping, level.

Everything here is applied to a whole programme alike, whatever it carries, so that none of it can
give a class away (and its silences carry the same hum and hiss and still have no label). Every
function keeps the length of its input, mono float32 at 44.1 kHz.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import scipy.signal
import soundfile
import soxr
from numpy.random import Generator
from numpy.typing import NDArray

from streamseg.training.data import RATE_HZ

Samples = NDArray[np.float32]


def fit_length(samples: NDArray[np.floating], count: int) -> Samples:
    """Cut or fill with zeros at the end."""
    result = np.zeros(count, np.float32)
    result[: min(count, len(samples))] = samples[:count]
    return result


def rms(samples: Samples) -> float:
    """Root mean square, never quite 0."""
    return float(np.sqrt(np.dot(samples, samples) / max(len(samples), 1)) + 1e-9)


# Rooms ------------------------------------------------------------------------------------------


def read_rooms(corpus: Path) -> list[Samples]:
    """Measured impulse responses of the corpus, one per channel, at 44.1 kHz with unit energy."""
    rooms = []
    for path in sorted((corpus / "rir").rglob("*.wav")):
        response, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
        for channel in response.T[:2]:
            room = soxr.resample(channel[: int(1.2 * rate_hz)], rate_hz, RATE_HZ)
            room = room[int(np.abs(room).argmax()) :]
            rooms.append((room / np.sqrt((room**2).sum() + 1e-12)).astype(np.float32))
    return rooms


def invented_room(random: Generator, far: bool) -> Samples:
    """Decaying noise after a direct sound; a far source has less direct sound than echo."""
    decay_s = float(np.exp(random.uniform(np.log(0.15), np.log(1.4))))
    count = int(min(decay_s, 1.2) * RATE_HZ)
    time_s = np.arange(count) / RATE_HZ
    tail = random.standard_normal(count) * np.exp(-6.9 * time_s / decay_s)
    cutoff_hz = float(random.uniform(2500, 12000))  # walls and air swallow treble first
    tail = scipy.signal.lfilter(
        [1 - np.exp(-cutoff_hz / 7000)], [1, -np.exp(-cutoff_hz / 7000)], tail
    )
    tail[: int(float(random.uniform(0.001, 0.02)) * RATE_HZ)] = 0
    direct_db = float(random.uniform(-14, 0) if far else random.uniform(-3, 14))
    tail *= 10 ** (-direct_db / 20) / np.sqrt((tail**2).sum() + 1e-12)
    tail[0] = 1.0
    return np.asarray(tail / np.sqrt((tail**2).sum()), np.float32)


def far_room(random: Generator) -> Samples:
    """A room of 0.4 to 2 s with the source far away: the echo is 2 to 16 dB over the voice."""
    decay_s = float(np.exp(random.uniform(np.log(0.4), np.log(2.0))))
    count = int(min(decay_s, 1.6) * RATE_HZ)
    time_s = np.arange(count) / RATE_HZ
    tail = random.standard_normal(count) * np.exp(-6.9 * time_s / decay_s)
    tail = scipy.signal.lfilter([1.0], [1, -float(random.uniform(0.3, 0.9))], tail)
    tail[: int(float(random.uniform(0.002, 0.025)) * RATE_HZ)] = 0
    for delay_s in random.uniform(0.003, 0.06, int(random.integers(2, 9))):  # first walls
        tail[int(delay_s * RATE_HZ)] += float(random.normal(0, 0.15)) * np.sqrt((tail**2).sum())
    tail *= 10 ** (float(random.uniform(2, 16)) / 20) / np.sqrt((tail**2).sum() + 1e-12)
    tail[0] = 1.0
    return np.asarray(tail / np.sqrt((tail**2).sum()), np.float32)


def reverberate(random: Generator, samples: Samples, rooms: list[Samples], far: bool) -> Samples:
    """Put the sound into a measured or an invented room."""
    if rooms and random.random() < 0.3:
        room = rooms[random.integers(len(rooms))]
    else:
        room = invented_room(random, far)
    return fit_length(scipy.signal.oaconvolve(samples, room), len(samples))


# Bands and colour --------------------------------------------------------------------------------


def low_pass(random: Generator, samples: Samples) -> Samples:
    """A steep low-pass between 3.4 and 16 kHz."""
    cutoff_hz = float(np.exp(random.uniform(np.log(3400), np.log(16000))))
    sos = scipy.signal.cheby2(8, 60, min(cutoff_hz * 1.15, 21000), fs=RATE_HZ, output="sos")
    return np.asarray(scipy.signal.sosfilt(sos, samples), np.float32)


def narrow_band(random: Generator, samples: Samples) -> Samples:
    """Medium wave, telephone, a small loudspeaker."""
    low_hz = float(random.uniform(80, 450))
    high_hz = float(random.uniform(3000, 5000))
    sos = scipy.signal.butter(4, (low_hz, high_hz), "band", fs=RATE_HZ, output="sos")
    return np.asarray(scipy.signal.sosfilt(sos, samples), np.float32)


def colour(random: Generator, samples: Samples, strength_db: float = 10.0) -> Samples:
    """A random smooth equaliser: a tilt and a few bumps."""
    octaves = np.linspace(-3, 3, 7)
    curve = octaves / 3 * float(random.uniform(-strength_db, strength_db))
    curve = curve + random.normal(0, strength_db / 4, len(octaves))
    points_hz = np.array([0, 50, 150, 450, 1350, 4000, 12000, RATE_HZ / 2])
    gains = 10 ** (np.concatenate((curve[:1], curve)) / 20)
    taps = scipy.signal.firwin2(255, points_hz, gains, fs=RATE_HZ)
    return np.asarray(scipy.signal.oaconvolve(samples, taps, "same"), np.float32)


def resampled(random: Generator, samples: Samples) -> Samples:
    """Through another sampling rate and back."""
    rate_hz = int(random.choice([8000, 11025, 16000, 22050, 24000, 32000]))
    quality = str(random.choice(["LQ", "MQ", "HQ"]))
    down = soxr.resample(samples, RATE_HZ, rate_hz, quality)
    return fit_length(soxr.resample(down, rate_hz, RATE_HZ, quality), len(samples))


# What is added, and what overloads ----------------------------------------------------------------


def hum(random: Generator, samples: Samples, loudest_db: float = -18.0) -> Samples:
    """Mains hum with harmonics, 45 dB to ``loudest_db`` under the programme."""
    base_hz = float(random.choice([50.0, 60.0])) * float(random.uniform(0.998, 1.002))
    time_s = np.arange(len(samples), dtype=np.float32) / RATE_HZ
    total = np.zeros(len(samples), np.float32)
    for harmonic in range(1, int(random.integers(2, 14))):
        gain = float(random.uniform(0.05, 1)) / harmonic ** float(random.uniform(0.3, 1.2))
        phase = float(random.uniform(0, 6.28))
        total += gain * np.sin(np.float32(2 * np.pi * base_hz * harmonic) * time_s + phase)
    level = rms(samples) * 10 ** (-float(random.uniform(-loudest_db, 45)) / 20)
    return samples + total * np.float32(level / rms(total))


def hiss(random: Generator, samples: Samples) -> Samples:
    """A faint noise floor, 38 to 75 dB under the programme."""
    noise = random.standard_normal(len(samples), dtype=np.float32)
    if random.random() < 0.5:
        noise = scipy.signal.lfilter([0.1], [1, -0.9], noise).astype(np.float32)
    level = rms(samples) * 10 ** (-float(random.uniform(38, 75)) / 20)
    return samples + noise * np.float32(level / rms(noise))


def clip(random: Generator, samples: Samples) -> Samples:
    """Overload, hard or soft, of the loudest 0.5 to 20 percent."""
    share = float(np.exp(random.uniform(np.log(0.005), np.log(0.2))))
    limit = max(float(np.quantile(np.abs(samples[::7]), 1 - share)), 1e-6)
    if random.random() < 0.6:
        return np.clip(samples, -limit, limit)
    return np.asarray(np.tanh(samples / np.float32(limit)) * np.float32(limit), np.float32)


def compress(random: Generator, samples: Samples) -> Samples:
    """A broadcast compressor: quiet parts are raised, within limits."""
    block = 2205
    cells = np.pad(samples, (0, -len(samples) % block)).reshape(-1, block)
    level = 10 * np.log10((cells**2).mean(axis=1) + 1e-7)
    slow = scipy.signal.lfilter([0.25], [1, -0.75], level, zi=[0.75 * level[0]])[0]
    ratio = float(random.uniform(0.2, 0.7))
    gain_db = np.clip((np.percentile(slow, 90) - slow) * ratio, 0, 15)
    at = np.arange(len(gain_db)) * block
    gain = 10 ** (np.interp(np.arange(len(samples)), at, gain_db) / 20)
    return np.asarray(samples * gain, np.float32)


# Codecs -------------------------------------------------------------------------------------------

_CODECS = {
    # name: (encoder, decoder, sample format, rates, bit rates in kbit/s)
    "mp3": ("libmp3lame", "mp3float", "fltp", (44100, 32000, 22050), (24, 32, 48, 64, 96, 128)),
    "opus": ("libopus", "opus", "flt", (48000,), (24, 32, 48, 64, 96, 128)),
    "opus_voice": ("libopus", "opus", "flt", (16000, 8000, 48000), (8, 12, 16, 24, 32)),
    "aac": ("aac", "aac", "fltp", (44100, 32000), (32, 48, 64, 96, 128)),
}


def _through_codec(samples: Samples, name: str, rate_hz: int, kbits: int) -> Samples:
    """Encode and decode at ``rate_hz``; the codec's delay is still in the result."""
    import av

    encoder_name, decoder_name, form, _, _ = _CODECS[name]
    encoder = av.CodecContext.create(encoder_name, "w")
    encoder.sample_rate = rate_hz  # type: ignore[attr-defined]
    encoder.layout = "mono"  # type: ignore[attr-defined]
    encoder.format = form  # type: ignore[attr-defined]
    encoder.bit_rate = kbits * 1000
    encoder.time_base = Fraction(1, rate_hz)
    if name == "opus_voice":
        encoder.options = {"application": "voip", "compression_level": "3"}
    elif name == "opus":
        encoder.options = {"compression_level": "3"}
    encoder.open()
    decoder = av.CodecContext.create(decoder_name, "r")
    if encoder.extradata:
        decoder.extradata = encoder.extradata
    frame_size = encoder.frame_size or 1024  # type: ignore[attr-defined]
    pieces = []
    padded = np.pad(samples, (0, -len(samples) % frame_size))
    for start in [*range(0, len(padded), frame_size), None]:
        frame = None
        if start is not None:
            data = np.ascontiguousarray(padded[None, start : start + frame_size])
            frame = av.AudioFrame.from_ndarray(data, form, "mono")
            frame.sample_rate, frame.pts = rate_hz, start
        for packet in encoder.encode(frame):  # type: ignore[attr-defined]
            for decoded in decoder.decode(packet):  # type: ignore[attr-defined]
                pieces.append((decoded.sample_rate, decoded.to_ndarray().mean(axis=0)))
    if not pieces:
        return samples
    heard_hz = pieces[0][0]
    heard = np.concatenate([piece for _, piece in pieces])
    if heard.dtype == np.int16:
        heard = heard / 32768.0
    heard = heard.astype(np.float32)
    return heard if heard_hz == rate_hz else soxr.resample(heard, heard_hz, rate_hz)


@lru_cache(maxsize=64)
def _codec_delay(name: str, rate_hz: int, kbits: int) -> int:
    """Samples by which a codec is late, measured with a burst."""
    probe = np.zeros(rate_hz, np.float32)
    burst = np.random.default_rng(1).standard_normal(rate_hz // 20) * np.hanning(rate_hz // 20)
    probe[rate_hz // 2 : rate_hz // 2 + len(burst)] = 0.3 * burst
    heard = _through_codec(probe, name, rate_hz, kbits)
    likeness = scipy.signal.correlate(heard, probe, "full", "fft")
    return int(np.clip(np.argmax(likeness) - (len(probe) - 1), 0, 4000))


def fixed_codec(samples: Samples, name: str, rate_hz: int, kbits: int) -> Samples:
    """One codec at one setting, its delay taken out."""
    peak = max(float(np.abs(samples).max()), 1e-6)
    # Encoders expect a level near full scale; the level of the input comes back at the end.
    scaled = soxr.resample(samples * np.float32(0.7 / peak), RATE_HZ, rate_hz, "MQ")
    heard = _through_codec(scaled, name, rate_hz, kbits)[_codec_delay(name, rate_hz, kbits) :]
    back = soxr.resample(heard, rate_hz, RATE_HZ, "MQ")
    return fit_length(back, len(samples)) * np.float32(peak / 0.7)


def codec(
    random: Generator, samples: Samples, shares: tuple[float, ...] = (0.35, 0.2, 0.35, 0.1)
) -> Samples:
    """A lossy codec at a random bit rate; ``shares`` are those of ``_CODECS``."""
    name = str(random.choice(list(_CODECS), p=shares))
    _, _, _, rates, bit_rates = _CODECS[name]
    rate_hz, kbits = int(random.choice(rates)), int(random.choice(bit_rates))
    return fixed_codec(samples, name, rate_hz, min(kbits, 64) if rate_hz <= 22050 else kbits)


# All of it ----------------------------------------------------------------------------------------


def degrade(
    random: Generator,
    samples: Samples,
    rooms: list[Samples],
    humming: bool = False,
    harsh: bool = False,
) -> tuple[Samples, float]:
    """A programme as a listener gets it, and how many seconds its sounds ring on.

    ``humming`` lines have loud hum (up to 8 dB under the programme) half of the time; ``harsh``
    ones have lossy codecs, those for voices above all, and steep tilts twice as often.
    """
    count = int(random.choice([0, 1, 2, 3], p=[0.2, 0.4, 0.25, 0.15]))
    names = ["room", "colour", "compress", "hum", "hiss", "clip", "low", "narrow", "rate", "codec"]
    weights = np.array([1.2, 1.2, 0.5, 1.0, 1.0, 0.8, 1.2, 0.9, 0.6, 1.3])
    if harsh:
        weights[[1, 9]] *= 2
    chosen = set(random.choice(names, count, replace=False, p=weights / weights.sum()))
    rings_s = 0.0
    if "room" in chosen:
        samples = reverberate(random, samples, rooms, far=random.random() < 0.35)
        rings_s = 0.4
    if humming and random.random() < 0.5:
        samples = hum(random, samples, -8.0)
    steps = {
        "colour": partial(colour, strength_db=14.0) if harsh else colour,
        "compress": compress,
        "hum": hum,
        "hiss": hiss,
        "clip": clip,
        "low": low_pass,
        "narrow": narrow_band,
        "rate": resampled,
        "codec": partial(codec, shares=(0.25, 0.15, 0.5, 0.1)) if harsh else codec,
    }
    for name, step in steps.items():
        if name in chosen:
            samples = step(random, samples)
    # Level last: full scale down to 50 dB below it, most often as broadcast.
    level_db = random.uniform(-28, -14) if random.random() < 0.5 else random.uniform(-52, -12)
    samples = samples * np.float32(10 ** (float(level_db) / 20) / rms(samples))
    if random.random() < 0.08:
        samples = samples + np.float32(random.uniform(-0.03, 0.03))
    return np.clip(samples, -1, 1).astype(np.float32), rings_s
