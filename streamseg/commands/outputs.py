"""Everything that leaves a headless run: made from the settings, started, tended and closed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, cast

from streamseg.capture.base import Source
from streamseg.commands.metering import MeteredNetwork
from streamseg.messages import Block, Estimate, Second
from streamseg.models import Network
from streamseg.settings import Settings
from streamseg.sinks.board import Board
from streamseg.sinks.event_log import EventLog
from streamseg.sinks.events import Event
from streamseg.sinks.fan_out import FanOut, Output
from streamseg.sinks.health import Health
from streamseg.sinks.systemd import Systemd
from streamseg.sinks.trace_file import trace_of

if TYPE_CHECKING:
    from starlette.routing import Route

    from streamseg.sinks.http_server import Address, HttpServer


READY_S = 20.0  # a source that is waited for is no reason to call the start a failure


class Outputs:
    """The log, and whatever else the settings ask for.

    A context manager: inside it everything runs; at its end, when no event can come any more, the
    lanes are drained, the servers stopped and the log closed, in this order. Raises
    CannotWriteError or ConfigError before anything was started.
    """

    def __init__(
        self,
        settings: Settings,
        sources: Sequence[Source],
        model: str,
        also: Callable[[Event], object] = lambda event: None,
        own_settings: Mapping[str, Settings] = MappingProxyType({}),
    ) -> None:
        """``also`` is called with every event, behind the log.

        ``own_settings``: of sources that do not go by ``settings``; the trace tells them.
        """
        by_name = {source.name: source for source in sources}
        self.board = Board(by_name, model, lambda name: by_name[name].live)
        self._names = list(by_name)
        self._taps: list[Callable[[str, Block], object]] = []
        with ExitStack() as on_error:
            self.log = EventLog.of(settings.log)
            on_error.callback(self.log.close)
            self._trace = trace_of(settings, own_settings)
            outputs = self._outputs(settings)
            self._fan_out = FanOut(self.log, [self.board.apply, also], outputs)
            self._health = Health(self.board, self.log, self._fan_out)
            self._servers = self._make_servers(settings, on_error)
            on_error.pop_all()
        self._systemd = Systemd(self._health.stuck, self._summary)
        self._began_s = time.monotonic()

    def _outputs(self, settings: Settings) -> list[Output]:
        """Imported late: most runs have none of them."""
        outputs: list[Output] = []
        if settings.clips.folder:
            from streamseg.sinks.clips import ClipRecorder

            clips = ClipRecorder(settings.clips)
            self._taps.append(clips.heard)
            outputs.append(clips)
        if settings.hook.command:
            from streamseg.sinks.hook import Hook

            outputs.append(Hook(settings.hook))
        if settings.mqtt.url:
            from streamseg.sinks.mqtt import Mqtt

            outputs.append(Mqtt(settings.mqtt, self.board, self._names))
        return outputs

    def _make_servers(self, settings: Settings, on_error: ExitStack) -> list[HttpServer]:
        servers: list[HttpServer] = []

        def listen(address: Address, routes: list[Route], key: str) -> None:
            servers.append(HttpServer(address, routes, key))
            on_error.callback(servers[-1].stop)

        if settings.metrics.listen or settings.status.listen:
            from streamseg.sinks.http_server import HttpServer, parse_address
            from streamseg.sinks.prometheus import metrics_routes
            from streamseg.sinks.status_page import StatusPage, status_address
        if settings.metrics.listen:
            address = parse_address(settings.metrics.listen, "metrics.listen")
            routes = metrics_routes(self.board, self.log, self._fan_out)
            listen(address, routes, "metrics.listen")
        if settings.status.listen:
            address, token = status_address(settings.status)
            page = StatusPage(self.board, self._health, self._fan_out, token)
            listen(address, page.routes(), "status.listen")
        return servers

    def __enter__(self) -> Outputs:
        self._fan_out.start()
        for server in self._servers:
            server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with ExitStack() as stack:  # whatever fails, the log is closed, and closed last
            stack.callback(self.log.close)
            if self._trace is not None:
                stack.callback(self._trace.close)
            for server in self._servers:
                stack.callback(server.stop)
            stack.callback(self._fan_out.close)

    # What the monitor calls, each on its own thread

    def sink(self, event: Event) -> None:
        """Sink thread: the log first."""
        self._fan_out(event)

    @property
    def trace(self) -> Callable[[Second], None] | None:
        """Sink thread; None where no trace is wanted."""
        return None if self._trace is None else self._trace.write

    def watch(self, estimate: Estimate) -> None:
        """Network's thread."""
        self.board.estimated(estimate)

    def tap(self, source: str, block: Block) -> None:
        """Analysis thread of the source."""
        self.board.heard(source, block.sample + block.samples.size)
        for tap in self._taps:
            tap(source, block)

    def metered(self, network: Network) -> Network:
        """The network, with its work on the board."""
        return cast(Network, MeteredNetwork(network, self.board))

    # Main thread

    def tend(self) -> None:
        """To be called a few times a second: rotation, retention, systemd."""
        self.log.tend()
        conditions = self._conditions()
        heard = any(condition != "waiting" for condition in conditions)
        if heard or time.monotonic() - self._began_s > READY_S:
            self._systemd.ready()
        self._systemd.tend()

    def stopping(self) -> None:
        """The end has begun."""
        self._systemd.stopping()

    def _conditions(self) -> list[str]:
        conditions: list[str] = []
        self.board.read(lambda state: conditions.append(state.condition))
        return conditions

    def _summary(self) -> str:
        """One line for ``systemctl status``."""
        conditions = self._conditions()
        raised = sum(alarm.cleared is None for alarm in self.board.alarms())
        line = f"{conditions.count('up')} of {len(conditions)} sources on air, {raised} alarms"
        problems = self._health.problems()
        return f"{line}; {problems[0]}" if problems else line
