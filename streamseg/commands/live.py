"""``streamseg live``: the engine behind the window, and the window."""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from streamseg.capture.base import Source
from streamseg.capture.choose import SourceOptions, any_source
from streamseg.capture.place import public
from streamseg.commands.watched import TimedNetwork, WatchedSource
from streamseg.errors import StreamsegError, UsageError
from streamseg.messages import StreamFormat
from streamseg.models import (
    STEMS,
    GenreNetwork,
    MaskNetwork,
    Network,
    StemNetwork,
    load_genre_network,
    load_mask_network,
    load_network,
    load_stem_network,
)
from streamseg.pipeline import Monitor
from streamseg.settings import Loaded, Settings, default_config_path
from streamseg.sinks.acknowledgements import Inbox
from streamseg.sinks.event_log import EventLog
from streamseg.sinks.events import Event
from streamseg.sinks.trace_file import tracing
from streamseg.view.engine import DeviceChoice
from streamseg.view.feed import Feed
from streamseg.view.records import SourceInfo
from streamseg.view.state import ViewState

POLL_S = 0.1
BLOCK_S = 0.04  # of sound for a call of the network: more, and who looks on waits for it


@dataclass(frozen=True, slots=True)
class Running:
    """What listens now."""

    monitor: Monitor
    source: str
    """As events and acknowledgements call it."""


@dataclass(frozen=True, slots=True)
class Artists:
    """The networks beside the main one."""

    masks: MaskNetwork | None
    stems: StemNetwork | None
    genre: GenreNetwork | None


class LiveEngine:
    """Opens one source at a time for the window; see ``view.engine.Engine``.

    Opening and closing take seconds (a network is loaded, a device answers), so they happen on a
    thread of their own, one after the other; only the newest wish counts.
    """

    def __init__(
        self,
        state: ViewState,
        load: Callable[[], Loaded],
        options: SourceOptions,
        config_path: Path | None = None,
        models: Path | None = None,
        *,
        realtime: bool = True,
    ) -> None:
        """``load`` reads the settings; ``models`` is the folder of the networks.

        A file is watched like a station, at its own speed, unless ``realtime`` is False.
        """
        self._state, self._load, self._models_dir = state, load, models
        self._realtime = realtime
        self._options = replace(options, realtime=realtime)
        self.config_path = config_path or default_config_path()
        self._loaded = load()
        self.source: str | None = None
        self.failure: StreamsegError | None = None
        """Why the source that was opened last has failed, if it has."""
        self.models = dict(STEMS)
        self._model: str | None = None
        self._feed: Feed | None = None
        self._running: Running | None = None
        self._wish = threading.Condition()
        self._wanted = False
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    @property
    def settings(self) -> Settings:
        """Those in force."""
        return self._loaded.settings

    @property
    def origin(self) -> dict[str, str]:
        """Where the value of each setting came from."""
        return self._loaded.origin

    def open(self, source: str | None) -> None:
        """Close what is open, and monitor this."""
        self.source = source
        self._want()

    def use_model(self, stem: str) -> None:
        """Go on with another network."""
        self._model = stem
        self._want()

    def reload(self) -> None:
        """Read the settings again and open again. Raises ConfigError."""
        self._loaded = self._load()
        self._want()

    def devices(self) -> list[DeviceChoice]:
        """The input devices of this moment. Raises SourceUnavailableError."""
        from streamseg.capture.device import list_devices

        return [
            DeviceChoice(
                device.name,
                f"{device.host_api}, {device.channels} ch, {device.rate_hz} Hz",
                device.is_default,
            )
            for device in list_devices()
        ]

    def acknowledged(self, rules: Sequence[str]) -> None:
        """Somebody at the window has seen the alarms of these rules.

        The log says so of those that stand, as it does after ``streamseg ack``.
        """
        running = self._running
        if running is not None:
            for rule in rules:
                running.monitor.acknowledge(running.source, rule, "window")

    def reset_maxima(self) -> None:
        """Begin integrated loudness and highest peak anew."""
        if self._feed is not None:
            self._feed.reset_maxima()

    def close(self) -> None:
        """Stop for good; waits until the log is complete."""
        with self._wish:
            self._closing = True
            self._wish.notify_all()
        self._thread.join(self.settings.capture.read_timeout_s + 10.0)

    def _want(self) -> None:
        with self._wish:
            self._wanted = True
            self._wish.notify_all()

    def _run(self) -> None:
        while True:
            with self._wish:
                while not (self._wanted or self._closing):
                    self._wish.wait()
                if self._closing:
                    return
                self._wanted = False
            self.failure = None
            session = self._state.opening(public(self.source or "the default input device"))
            try:
                self._monitor(session)
            except StreamsegError as error:
                self.failure = error
                self._state.finished(session, "failed", str(error))
            except Exception as error:
                # Nobody else would say it: a window without its engine must not look alive.
                traceback.print_exc()
                reason = f"unexpected {type(error).__name__}: {error}; please report it"
                self.failure = StreamsegError(reason)
                self._state.finished(session, "failed", reason)

    def _changed(self) -> bool:
        return self._wanted or self._closing

    def _monitor(self, session: int) -> None:
        """Run one source until it ends or another is wanted."""
        settings = _prompt(self.settings)
        stem = self._model or settings.model.name
        network = load_network(stem, settings.model.provider, self._models_dir)
        artists = self._artists(settings)
        source = any_source(self.source, self._options, settings.capture)
        feed = Feed(self._state, session, held_back=not self._realtime)
        info = SourceInfo(
            name=source.name,
            model=network.card.stem,
            provider=network.provider,
            classes=network.card.classes,
            lookahead_s=network.card.lookahead_s("confirmed"),
            block_s=settings.model.block_s,
            on=settings.decisions.on,
            off=settings.decisions.off,
            mask=_called(artists.masks),
            stems=_called(artists.stems),
            genre=_called(artists.genre),
            target_lufs=settings.alarms.loudness_target_lufs,
            dual_mono=settings.alarms.dual_mono,
        )

        def opened(format_: StreamFormat) -> None:
            grid = network.grid(format_.rate_hz)
            feed.open(info, format_, grid, finite=not source.live)

        log = EventLog.of(settings.log) if settings.log.file else None

        def sink(event: Event) -> None:
            if log is not None:
                log.write(event)
            feed.sink(event)

        watched = cast(Source, WatchedSource(source, opened))
        timed = cast(Network, TimedNetwork(network, feed.computed))
        traced = ExitStack()
        write = traced.enter_context(tracing(settings))
        engine = Monitor(
            [watched],
            timed,
            settings,
            sink,
            feed.watch,
            feed.tap,
            artists.masks,
            feed.mask,
            trace=write,
            changes=feed.change,
            stem_network=artists.stems,
            genre_network=artists.genre,
            genres=feed.genre,
        )
        log_path = Path(settings.log.file) if settings.log.file else None
        inbox = Inbox(log_path, engine.acknowledge, [source.name])
        engine.start()
        self._feed, self._running = feed, Running(engine, source.name)
        try:
            while not engine.wait(POLL_S) and not self._changed():
                feed.masks_dropped(engine.masks_dropped_s, engine.stems_dropped_s)
                inbox.tend()
                if log is not None:
                    log.tend()
        finally:
            try:
                engine.stop()
            finally:
                self._running = None
                feed.close()
                traced.close()
                if log is not None:
                    log.close()
        if engine.failures:
            raise engine.failures[0].error
        if feed.error is not None:
            raise feed.error

    def _artists(self, settings: Settings) -> Artists:
        """Those that the settings want. Raises ConfigError or ModelError."""
        model, folder = settings.model, self._models_dir
        provider = model.provider
        return Artists(
            load_mask_network(model.mask, provider, folder) if model.mask else None,
            load_stem_network(model.stems, provider, folder, live=True) if model.stems else None,
            load_genre_network(model.genre, provider, folder) if model.genre else None,
        )


def _called(network: MaskNetwork | StemNetwork | GenreNetwork | None) -> str:
    return "" if network is None else f"{network.card.stem} on {network.provider}"


def _prompt(settings: Settings) -> Settings:
    """The window shows sound as soon as it is there, and what is said of it soon after."""
    capture = settings.capture.model_copy(update={"gather_s": 0.0})
    block_s = min(BLOCK_S, settings.model.block_s)
    model = settings.model.model_copy(update={"block_s": block_s})
    return settings.model_copy(update={"capture": capture, "model": model})


def run(
    source: str | None,
    load: Callable[[], Loaded],
    options: SourceOptions,
    config_path: Path | None = None,
    picture: Path | None = None,
    after_s: float = 10.0,
) -> None:
    """Open the window; returns when it is closed.

    Raises UsageError without a screen, CannotWriteError for a picture that cannot be saved, and
    with a picture of a source that failed the reason for that.
    """
    _need_screen()
    if source == "-":
        raise UsageError("expected a device, a file or a URL, got -: `log` and `scan` read a pipe")
    from streamseg.capture.playback import DevicePlayer
    from streamseg.view import app

    state = ViewState()
    engine = LiveEngine(state, load, options, config_path)
    order = app.SnapshotOrder(picture, after_s) if picture else None
    try:
        app.run(state, engine, DevicePlayer(), lambda: engine.open(source), order)
    finally:
        state.close()
    if order is not None and engine.failure is not None:
        raise engine.failure


def has_screen() -> bool:
    """Whether a window could be seen, as far as the environment tells."""
    screens = ("DISPLAY", "WAYLAND_DISPLAY")
    return not sys.platform.startswith("linux") or any(os.environ.get(name) for name in screens)


def _need_screen() -> None:
    """Qt ends the whole process where it finds no screen: say it before."""
    if not has_screen() and not os.environ.get("QT_QPA_PLATFORM"):
        raise UsageError(
            "expected a screen, got none (DISPLAY is not set); use `streamseg log` without a "
            "window, or `xvfb-run streamseg live ...` for a picture"
        )
    try:
        import PyQt6.QtWidgets  # noqa: F401
    except ImportError as error:
        raise UsageError(
            f"expected the libraries of a window, got: {error}; install them (Debian, Ubuntu: "
            "apt-get install libgl1 libegl1 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 "
            "libxcb-keysyms1 libxcb-shape0 libfontconfig1 libdbus-1-3)"
        ) from None
