"""Real commands that read, hang, fail and multiply."""

from __future__ import annotations

import json
import os
import shlex
import sys
import time
from pathlib import Path

import pytest
from made_events import opened, raised
from servers import wait_until

from streamseg.errors import ConfigError
from streamseg.settings_outputs import HookSettings
from streamseg.sinks.event_log import EventLog
from streamseg.sinks.fan_out import FanOut
from streamseg.sinks.hook import Hook


def python(code: str, *arguments: object) -> str:
    """A command line that runs this code."""
    return shlex.join([sys.executable, "-c", code, *(str(argument) for argument in arguments)])


APPEND = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read())"


def test_the_command_gets_the_line_of_the_log(tmp_path: Path) -> None:
    """As JSON on its standard input, one run an event, in order."""
    out = tmp_path / "out"
    hook = Hook(HookSettings(command=python(APPEND, out), events="all"), pytest.fail)
    for second in range(3):
        hook.handle(opened(second))
    hook.close()
    records = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(r["event"], r["sample"]) for r in records] == [
        ("segment_open", 16_000 * second) for second in range(3)
    ]


def test_only_the_wanted_events_start_a_command(tmp_path: Path) -> None:
    """By default alarms and losses: a process a segment would be many."""
    out = tmp_path / "out"
    hook = Hook(HookSettings(command=python(APPEND, out)), pytest.fail)
    hook.handle(opened(1))
    hook.handle(raised(2))
    hook.close()
    assert [json.loads(line)["event"] for line in out.read_text().splitlines()] == ["alarm_raised"]


def test_no_shell_sees_the_command_or_the_event(tmp_path: Path) -> None:
    """What a shell would take as a command is an argument, and text on standard input."""
    trap = tmp_path / "trap"
    line = python("import sys; sys.exit(len(sys.argv) != 4)", f"$(touch {trap})", ";", "|")
    hook = Hook(HookSettings(command=line), pytest.fail)
    hook.handle(raised(1, f"$(touch {trap}); touch {trap}", source=f"`touch {trap}`"))
    hook.close()
    assert not trap.exists()


def test_a_command_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    """After the timeout, also what it started, and the failure is told."""
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "open(sys.argv[1], 'w').write(str(child.pid)); time.sleep(600)"
    )
    notes: list[str] = []
    out = tmp_path / "pid"
    hook = Hook(HookSettings(command=python(code, out), timeout_s=3), notes.append)
    hook.handle(raised(1))
    hook.close()
    assert notes == ["hook: killed after 3 s"]
    child = int(out.read_text())

    def gone() -> bool:
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return True
        # A zombie that nobody has waited for yet is dead too.
        return "Z" in Path(f"/proc/{child}/stat").read_text().split(")")[1]

    wait_until(gone, "the end of the child")


def test_a_command_that_hangs_does_not_hold_up_the_end(tmp_path: Path) -> None:
    """Whoever stops the monitor does not wait for a timeout of an hour."""
    log = EventLog(tmp_path / "log.jsonl")
    settings = HookSettings(command=python("import time; time.sleep(600)"), timeout_s=3600)
    fan_out = FanOut(log, outputs=[Hook(settings, lambda note: None)], warn=lambda note: None)
    fan_out.start()
    for second in range(5):
        fan_out(raised(second))
    began_s = time.monotonic()
    fan_out.close(drain_s=0.2)
    log.close()
    assert time.monotonic() - began_s < 60


def test_no_more_than_the_limit_run_at_once(tmp_path: Path) -> None:
    """Every run notes how many others it sees."""
    code = (
        "import os, sys, time\n"
        "folder = sys.argv[1]; mine = os.path.join(folder, str(os.getpid()))\n"
        "open(mine, 'w').close(); time.sleep(0.2)\n"
        "print(len(os.listdir(folder)), file=open(sys.argv[2], 'a')); os.unlink(mine)"
    )
    folder, out = tmp_path / "running", tmp_path / "counts"
    folder.mkdir()
    hook = Hook(HookSettings(command=python(code, folder, out), at_once=2), pytest.fail)
    for second in range(6):
        hook.handle(raised(second))
    hook.close()
    counts = [int(line) for line in out.read_text().split()]
    assert len(counts) == 6
    assert max(counts) == 2


def test_a_failing_command_is_told_once_a_minute() -> None:
    """Its exit status stands in the message."""
    notes: list[str] = []
    hook = Hook(HookSettings(command=python("import sys; sys.exit(7)")), notes.append)
    for second in range(3):
        hook.handle(raised(second))
    hook.close()
    assert notes == ["hook: exit status 7"]


def test_a_command_need_not_read_its_input() -> None:
    """Also where the line is longer than a pipe holds."""
    hook = Hook(HookSettings(command=python("pass")), pytest.fail)
    hook.handle(raised(1, source="x" * 500_000))
    hook.close()


def test_our_secrets_are_not_in_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command is somebody else's program."""
    monkeypatch.setenv("STREAMSEG_MQTT_PASSWORD", "hush")
    monkeypatch.setenv("STREAMSEG_STATUS_TOKEN", "hush")
    monkeypatch.setenv("STREAMSEG_OTHER", "spoken")
    out = tmp_path / "out"
    code = "import os, sys; open(sys.argv[1], 'w').write(repr(dict(os.environ)))"
    hook = Hook(HookSettings(command=python(code, out)), pytest.fail)
    hook.handle(raised(1))
    hook.close()
    assert "hush" not in out.read_text()
    assert "spoken" in out.read_text()


@pytest.mark.parametrize("command", ["no-such-program --flag", "'unfinished", "   ", "/etc/passwd"])
def test_a_command_that_cannot_run_is_refused_at_the_start(command: str) -> None:
    """Not at the first alarm, at night."""
    with pytest.raises(ConfigError, match=r"hook\.command: expected"):
        Hook(HookSettings(command=command))
