"""The unit, the dashboard, the rules and the Dockerfile fit the program that they are for."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from made_events import started
from prometheus_client.parser import text_string_to_metric_families

from streamseg.cli import cli
from streamseg.sinks.board import Board
from streamseg.sinks.event_log import EventLog
from streamseg.sinks.fan_out import FanOut
from streamseg.sinks.prometheus import BoardCollector

CHECKOUT = Path(__file__).resolve().parent.parent
ASSETS = CHECKOUT / "assets"
RULES = ASSETS / "prometheus-alerts.yml"
DASHBOARD = ASSETS / "grafana-dashboard.json"


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names of all samples that the program can export."""
    from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

    log = EventLog(tmp_path_factory.mktemp("log") / "air.jsonl")
    board = Board(["studio"])
    board.apply(started())
    registry = CollectorRegistry()
    registry.register(BoardCollector(board, log, FanOut(log)))
    ProcessCollector(registry=registry)
    log.close()
    # A family without a sample is named by its type line: every one counts.
    text = generate_latest(registry).decode()
    families = list(text_string_to_metric_families(text))
    names = {sample.name for family in families for sample in family.samples}
    for family in families:
        names.add(f"{family.name}_total" if family.type == "counter" else family.name)
    return names


def metrics_in(text: str) -> set[str]:
    """Names of our metrics in expressions."""
    return set(re.findall(r"\b(?:streamseg|process)_[a-z_]+\b", text))


def test_every_rule_asks_for_metrics_that_exist(exported: set[str]) -> None:
    """A rule over a name that is gone would be silent for ever."""
    expressions = "\n".join(re.findall(r"expr: (.*)", RULES.read_text()))
    asked = metrics_in(expressions)
    assert len(asked) >= 7
    assert asked <= exported


def test_every_panel_asks_for_metrics_that_exist(exported: set[str]) -> None:
    """And no two panels have the same number or place."""
    panels: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    asked = metrics_in(" ".join(target["expr"] for panel in panels for target in panel["targets"]))
    assert len(asked) >= 12
    assert asked <= exported
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    assert len(places) == len(panels)


def test_prometheus_accepts_the_rules() -> None:
    """By its own tool."""
    if shutil.which("promtool") is None:
        pytest.skip("needs promtool: apt-get install prometheus")
    subprocess.run(["promtool", "check", "rules", str(RULES)], check=True)


def unit() -> configparser.ConfigParser:
    """The service as sections and keys."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string((ASSETS / "streamseg.service").read_text().replace("\\\n", " "))
    return parser


def accepts(arguments: list[str]) -> bool:
    """Whether the command line knows these flags; nothing is run."""
    result = CliRunner().invoke(cli, [*arguments, "--help"])
    unknown = CliRunner().invoke(cli, [*arguments, "--no-such-flag"])
    return result.exit_code == 0 and "--no-such-flag" in unknown.output


def test_the_unit_starts_a_command_line_that_exists() -> None:
    """With readiness and watchdog as the program gives them."""
    service = unit()["Service"]
    program, *arguments = shlex.split(service["ExecStart"])
    assert Path(program).name == "streamseg"
    assert accepts(arguments)
    assert (service["Type"], service["SuccessExitStatus"]) == ("notify", "130")
    assert "HUP" in service["ExecReload"]


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    """By its own tool; the program need not be installed for that."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze: apt-get install systemd")
    text = (ASSETS / "streamseg.service").read_text()
    copy = tmp_path / "streamseg.service"
    copy.write_text(text.replace("/opt/streamseg/bin/streamseg", "/bin/true"))
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)], capture_output=True, text=True
    )
    assert "streamseg.service" not in checked.stderr, checked.stderr


def test_the_container_starts_a_command_line_that_exists() -> None:
    """And what it copies is there."""
    text = (CHECKOUT / "Dockerfile").read_text()
    program, *arguments = json.loads(re.findall(r"ENTRYPOINT (.*)", text)[0])
    assert program == "streamseg"
    assert accepts(arguments)
    for line in re.findall(r"^COPY (?!--from)(.*)", text, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (CHECKOUT / source).exists(), source
