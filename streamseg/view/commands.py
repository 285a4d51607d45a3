"""What keys, menus and buttons do. GUI thread."""

from __future__ import annotations

from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING, TypeVar

from streamseg.view import style
from streamseg.view.actions import Deed, separator
from streamseg.view.axis import SCALES
from streamseg.view.layers import LAYERS, set_of
from streamseg.view.prefs import (
    COLOUR_MAPS,
    FRAME_RATES,
    LOUDNESS_UNITS,
    METER_SCALES,
    TEXT_PERCENTS,
    TOPS_HZ,
)
from streamseg.view.viewport import DEFAULT_SPAN_S

if TYPE_CHECKING:
    from streamseg.view.window import MainWindow

T = TypeVar("T")

_STEP = 0.1  # of the picture, for an arrow key
_CURSOR_STEP = 0.01


class Commands:
    """Everything that can be done, by name."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._deck = window.deck
        self._pickers = window.pickers

    def deeds(self) -> list[Deed]:
        """In the order of the menus."""
        return [*self._source(), *self._time(), *self._region(), *self._look(), *self._help()]

    def _source(self) -> list[Deed]:
        engine, pickers = self._window.engine, self._pickers
        menu = "Source"
        return [
            Deed(menu, "Open file…", ("O", "Ctrl+O"), pickers.file, "A sound file, at its speed."),
            Deed(menu, "Open URL…", ("U",), pickers.url, "A stream that FFmpeg reads."),
            Deed(menu, "Choose device…", ("D",), pickers.device, "Input devices of this moment."),
            Deed(menu, "Opened lately", ("Ctrl+R",), self._window.controls.show_sources),
            Deed(menu, "Open again", ("R",), lambda: engine.open(engine.source)),
            separator(menu),
            Deed(menu, "Choose network", ("Ctrl+M",), self._choose_model),
            Deed(menu, "Reset loudness and peak", ("X",), engine.reset_maxima),
            Deed(menu, "Settings…", ("Ctrl+,",), pickers.settings, "Written to the TOML file."),
            separator(menu),
            Deed(menu, "Quit", ("Ctrl+Q",), self._window.close),
        ]

    def _time(self) -> list[Deed]:
        view = self._deck.viewport
        menu = "Time"
        return [
            Deed(menu, "Freeze or go live", ("Space",), self.freeze, "The sound goes on."),
            Deed(menu, "Live", ("End",), lambda: self._then(view.go_live)),
            Deed(menu, "Oldest", ("Home",), lambda: self._then(view.oldest)),
            Deed(menu, "Back", ("Left",), lambda: self._scroll(-_STEP)),
            Deed(menu, "Forward", ("Right",), lambda: self._scroll(_STEP)),
            Deed(menu, "Page back", ("PgUp",), lambda: self._scroll(-1)),
            Deed(menu, "Page forward", ("PgDown",), lambda: self._scroll(1)),
            Deed(menu, "Zoom in", ("+", "="), lambda: self._zoom(1)),
            Deed(menu, "Zoom out", ("-",), lambda: self._zoom(-1)),
            Deed(menu, "One minute", ("0",), lambda: self.set_span(DEFAULT_SPAN_S)),
            separator(menu),
            Deed(menu, "Cursor left", ("Ctrl+Left",), lambda: self._cursor(-_CURSOR_STEP)),
            Deed(menu, "Cursor right", ("Ctrl+Right",), lambda: self._cursor(_CURSOR_STEP)),
            Deed(menu, "Time of day or position", ("T",), self._time_of_day),
        ]

    def _region(self) -> list[Deed]:
        tools = self._window.tools
        menu = "Region"
        return [
            Deed(menu, "Begin at the cursor", ("[",), lambda: tools.mark("start")),
            Deed(menu, "End at the cursor", ("]",), lambda: tools.mark("stop")),
            Deed(menu, "Select the picture", ("Ctrl+A",), self._select_all),
            Deed(menu, "Select nothing", ("Esc",), self._escape),
            separator(menu),
            Deed(menu, "Play or stop", ("P",), tools.toggle_play, "Selection, or the picture."),
            *(
                Deed(
                    menu,
                    f"Hear only {names}",
                    (f"Ctrl+{place + 1}",),
                    partial(self._solo, place),
                    "What the masks that are laid over give to it; once more: everything.",
                )
                for place, names in enumerate(_places())
            ),
            Deed(menu, "Save as…", ("Ctrl+S",), tools.ask_and_save, "WAV, PNG, CSV or labels."),
            separator(menu),
            Deed(menu, "Acknowledge alarms", ("A",), self.acknowledge),
            Deed(menu, "Go to the event list", ("E",), self._events),
        ]

    def _look(self) -> list[Deed]:
        menu = "View"
        masks = [
            Deed(menu, "Masks of classes or stems", ("M",), self._next_layers),
            *(
                Deed(menu, f"Mask of {names}", (str(place + 1),), partial(self._mask_at, place))
                for place, names in enumerate(_places())
            ),
        ]
        return [
            Deed(menu, "Frequency axis", ("F",), self._next_scale, "mel, log or linear"),
            Deed(menu, "Fewer high frequencies", ("Shift+Up",), partial(self._top, -1)),
            Deed(menu, "More high frequencies", ("Shift+Down",), partial(self._top, 1)),
            Deed(menu, "Colour map", ("C",), self._next_map),
            Deed(menu, "Dark, light or as the system", ("L",), self._next_theme),
            Deed(menu, "Larger text", ("Ctrl++", "Ctrl+="), partial(self._text, 1)),
            Deed(menu, "Smaller text", ("Ctrl+-",), partial(self._text, -1)),
            Deed(menu, "Meters to +9 or +18 LU", ("K",), self._next_meters),
            Deed(menu, "Loudness in LUFS or LU", ("J",), self._next_unit),
            Deed(menu, "Frames per second", ("Ctrl+F",), self._next_rate, "15, 30 or 60"),
            *masks,
            Deed(menu, "Lane of boundaries", ("B",), self._changes, "Show or hide it."),
            Deed(menu, "Mask stronger", (".",), partial(self._opacity, 0.1)),
            Deed(menu, "Mask weaker", (",",), partial(self._opacity, -0.1)),
            Deed(menu, "Full screen", ("F11",), self._full_screen),
        ]

    def _help(self) -> list[Deed]:
        return [Deed("Help", "Keys", ("F1", "?"), lambda: self._window.help.toggle())]

    def press(self, action: str) -> None:
        """The button of the banner."""
        engine = self._window.engine
        if action == "live":
            self._then(self._deck.viewport.go_live)
        elif action in ("retry", "again"):
            engine.open(engine.source)
        elif action == "open":
            self._pickers.file()

    def acknowledge(self, number: int | None = None) -> None:
        """Somebody has seen an alarm, or all of them: the log is told."""
        rules = self._deck.state.acknowledge(number)
        if rules:
            self._window.engine.acknowledged(rules)

    def freeze(self) -> None:
        """Hold the picture, or go live."""
        self._then(self._deck.viewport.toggle)

    def jump(self, moment_s: float) -> None:
        """Show a moment."""
        self._deck.viewport.show(moment_s)
        self._deck.point(moment_s)
        self._window.show_status()

    def set_span(self, span_s: float) -> None:
        """Show this many seconds."""
        self._deck.viewport.set_span(span_s)
        self._zoom(0)

    def _then(self, move: object) -> None:
        assert callable(move)
        move()
        self._deck.moved.emit()
        # The banner says at once that the picture stands still.
        self._window.show_status()

    def _scroll(self, share: float) -> None:
        view = self._deck.viewport
        self._then(lambda: view.scroll(share * view.span_s))

    def _zoom(self, steps: float) -> None:
        self._deck.viewport.zoom(steps, self._deck.cursor_s)
        self._deck.moved.emit()
        self._window.controls.follow()

    def _cursor(self, share: float) -> None:
        deck, view = self._deck, self._deck.viewport
        at = view.start_s + view.span_s / 2 if deck.cursor_s is None else deck.cursor_s
        at += share * view.span_s
        deck.point(min(view.stop_s, max(view.start_s, at)), deck.cursor_hz)

    def _time_of_day(self) -> None:
        self._deck.change(clock="time" if self._deck.begin is None else "position")

    def _select_all(self) -> None:
        view = self._deck.viewport
        view.freeze()
        self._deck.select(view.start_s, view.stop_s)

    def _escape(self) -> None:
        if self._window.help.isVisible():
            self._window.help.hide()
        else:
            self._deck.select(None)

    def _events(self) -> None:
        table = self._window.events.table
        table.setFocus()
        if not table.currentIndex().isValid():
            table.selectRow(0)

    def _mask(self, label: str) -> None:
        layers = set_of((label,))
        shown = self._deck.prefs.shown_of(layers) ^ {label}
        text = ",".join(name for name in LAYERS[layers] if name in shown)
        self._deck.change(**{"shown_stems" if layers == "stems" else "shown": text})

    def _mask_at(self, place: int) -> None:
        """Of the set that is laid over; there may be less of them than keys."""
        labels = LAYERS[self._deck.layers]
        if place < len(labels):
            self._mask(labels[place])

    def _solo(self, place: int) -> None:
        labels = LAYERS[self._deck.layers]
        if place < len(labels):
            self._window.tools.solo(labels[place])

    def _next_layers(self) -> None:
        """The other set; without masks of it, say what draws them."""
        deck = self._deck
        after = _after(tuple(LAYERS), deck.layers)
        if after not in deck.snapshot.layers:
            setting = "model.stems" if after == "stems" else "model.mask"
            self._window.tell(f"No masks of {after} are drawn (setting {setting}).")
        else:
            deck.change(layers=after)

    def _changes(self) -> None:
        self._deck.change(changes=not self._deck.prefs.changes)

    def _opacity(self, change: float) -> None:
        opacity = round(self._deck.prefs.opacity + change, 2)
        self._deck.change(opacity=min(1.0, max(0.0, opacity)))

    def _top(self, step: int) -> None:
        place = TOPS_HZ.index(self._deck.prefs.top_hz) + step
        self._deck.change(top_hz=TOPS_HZ[min(max(place, 0), len(TOPS_HZ) - 1)])

    def _next_scale(self) -> None:
        self._deck.change(scale=_after(SCALES, self._deck.prefs.scale))

    def _next_map(self) -> None:
        self._deck.change(colour_map=_after(COLOUR_MAPS, self._deck.prefs.colour_map))

    def _next_theme(self) -> None:
        # From what the system says to its opposite first, so that every key press is seen.
        same = style.choose("system").name
        order = ("system", "light" if same == "dark" else "dark", same)
        self._deck.change(theme=_after(order, self._deck.prefs.theme))
        self._window.use_theme()
        self._window.tell(f"Theme: {self._deck.prefs.theme}")

    def _text(self, step: int) -> None:
        place = TEXT_PERCENTS.index(self._deck.prefs.text_percent) + step
        percent = TEXT_PERCENTS[min(max(place, 0), len(TEXT_PERCENTS) - 1)]
        self._deck.change(text_percent=percent)
        self._window.use_theme()
        self._window.tell(f"Text: {percent} %")

    def _next_meters(self) -> None:
        self._deck.change(meter_scale=_after(METER_SCALES, self._deck.prefs.meter_scale))

    def _next_unit(self) -> None:
        self._deck.change(loudness_unit=_after(LOUDNESS_UNITS, self._deck.prefs.loudness_unit))

    def _next_rate(self) -> None:
        self._deck.change(fps=_after(FRAME_RATES, self._deck.prefs.fps))
        self._window.pace.want(self._deck.prefs.fps)

    def _full_screen(self) -> None:
        window = self._window
        window.showNormal() if window.isFullScreen() else window.showFullScreen()

    def _choose_model(self) -> None:
        self._window.controls.model.setFocus()
        self._window.controls.model.showPopup()


def _places() -> list[str]:
    """What the number keys stand for: a class, or a stem."""
    pairs = zip_longest(LAYERS["classes"], LAYERS["stems"])
    return [" or ".join(name for name in pair if name) for pair in pairs]


def _after(choices: tuple[T, ...], now: T) -> T:
    return choices[(choices.index(now) + 1) % len(choices)]
