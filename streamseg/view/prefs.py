"""What the window remembers of its user's taste. No Qt; a value out of range falls back alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from streamseg.view.axis import SCALES, Scale
from streamseg.view.display import BOTTOM_DB
from streamseg.view.layers import LAYERS, MASKABLE, STEMS, LayerSet
from streamseg.view.viewport import DEFAULT_SPAN_S, SHORTEST_S

COLOUR_MAPS = ("auto", "viridis", "magma", "cividis", "grey")
"""``auto``: grey under a mask, whose colours then stand alone; magma without one."""
TOPS_HZ = (1000, 2000, 4000, 8000, 12_000, 16_000, 24_000)
SPANS_S = (10, 30, 60, 120, 300, 900, 3600)
FRAME_RATES = (15, 30, 60)
THEME_CHOICES = ("dark", "light", "system")
CLOCKS = ("auto", "time", "position")
METER_SCALES = ("+9", "+18")
LOUDNESS_UNITS = ("LUFS", "LU")
TEXT_PERCENTS = (80, 90, 100, 115, 130, 150, 175, 200)
RECENT = 8  # sources that are remembered


@dataclass(frozen=True, slots=True)
class Prefs:
    """How the user wants it to look."""

    theme: str = "system"
    """``dark``, ``light`` or ``system``."""
    scale: Scale = "mel"
    top_hz: int = 16_000
    low_db: float = -110.0
    high_db: float = -20.0
    colour_map: str = "auto"
    opacity: float = 0.75
    shown: str = ",".join(MASKABLE)
    """Classes whose mask is laid over the spectrogram, separated by commas."""
    shown_stems: str = ",".join(STEMS)
    """Stems likewise."""
    layers: LayerSet = "classes"
    """Which masks are laid over: of ``classes`` or of ``stems``."""
    changes: bool = True
    """Whether the lane of the boundaries is there."""
    span_s: float = DEFAULT_SPAN_S
    fps: int = 60
    clock: str = "auto"
    """Times as the ``time`` of day or ``position`` in the source; auto: of a file its position."""
    meter_scale: str = "+9"
    """Of EBU Tech 3341: up to 9 or 18 LU above the target."""
    loudness_unit: str = "LUFS"
    text_percent: int = 100
    """Size of all letters, of what the system says."""

    @property
    def shown_classes(self) -> frozenset[str]:
        """``shown`` as a set."""
        return self.shown_of("classes")

    def shown_of(self, layers: LayerSet) -> frozenset[str]:
        """Those of a set whose mask is laid over."""
        text = self.shown_stems if layers == "stems" else self.shown
        return frozenset(name for name in text.split(",") if name)


def from_mapping(stored: Mapping[str, object]) -> Prefs:
    """Preferences from stored text; what is missing or makes no sense takes its default."""
    default = Prefs()
    values: dict[str, object] = {}
    for name in (field.name for field in fields(Prefs)):
        fallback = getattr(default, name)
        value = _parsed(stored.get(name), fallback)
        values[name] = value if _makes_sense(name, value) else fallback
    prefs = Prefs(**values)  # type: ignore[arg-type]
    return prefs if prefs.low_db + 10 <= prefs.high_db else default


def to_mapping(prefs: Prefs) -> dict[str, str]:
    """What ``from_mapping`` reads."""
    return {name: str(value) for name, value in asdict(prefs).items()}


def _parsed(text: object, fallback: object) -> object:
    if text is None:
        return fallback
    try:
        if isinstance(fallback, bool):
            return str(text).lower() in ("true", "1")
        if isinstance(fallback, int):
            return int(str(text))
        if isinstance(fallback, float):
            return float(str(text))
    except ValueError:
        return fallback
    return str(text)


def _makes_sense(name: str, value: object) -> bool:
    choices: dict[str, tuple[object, ...]] = {
        "theme": THEME_CHOICES,
        "scale": SCALES,
        "top_hz": TOPS_HZ,
        "colour_map": COLOUR_MAPS,
        "fps": FRAME_RATES,
        "clock": CLOCKS,
        "layers": tuple(LAYERS),
        "meter_scale": METER_SCALES,
        "loudness_unit": LOUDNESS_UNITS,
        "text_percent": TEXT_PERCENTS,
    }
    if name in choices:
        return value in choices[name]
    ranges = {
        "low_db": (BOTTOM_DB, -30.0),
        "high_db": (-90.0, 0.0),
        "opacity": (0.0, 1.0),
        "span_s": (SHORTEST_S, 3600.0),
    }
    if name in ranges:
        low, high = ranges[name]
        return isinstance(value, float) and low <= value <= high
    if name in ("shown", "shown_stems"):
        known = MASKABLE if name == "shown" else STEMS
        return set(str(value).split(",")) <= {*known, ""}
    return True
