"""Facts about the dialogs: settings, devices, sources opened lately."""

import threading

import pytest

from streamseg.errors import SourceUnavailableError
from streamseg.settings import keys
from streamseg.view.engine import DeviceChoice
from streamseg.view.recent import label, remembered


@pytest.fixture
def window(make_window, station):
    """A window on a station that has not said anything yet."""
    return make_window(station.state)


@pytest.fixture
def settings(window, engine):
    """The dialog of the settings."""
    from streamseg.view.settings_dialog import SettingsDialog

    dialog = SettingsDialog(window, engine)
    yield dialog
    dialog.deleteLater()


@pytest.fixture
def devices(window, engine):
    """The dialog of the devices."""
    from streamseg.view.device_dialog import DeviceDialog

    dialog = DeviceDialog(window, engine)
    yield dialog
    dialog.reject()
    dialog.deleteLater()


def rows(dialog):
    """First lines of what is listed."""
    return [
        dialog.list.item(row).text().splitlines()[0].strip() for row in range(dialog.list.count())
    ]


def test_every_setting_has_a_field_with_its_reason(settings):
    """Also of sections that are added later: they come from the settings themselves."""
    assert list(settings.edits) == keys()
    for key, edit in settings.edits.items():
        assert key in edit.widget.toolTip()
        assert edit.widget.accessibleName() == key


def test_a_value_that_is_refused_stays_in_the_dialog(settings, engine):
    """With key and range; nothing is written and nothing opened again."""
    settings.edits["decisions.on"].show("7")
    settings.save()
    assert "decisions.on" in settings.message.text()
    assert engine.reloads == 0
    assert not engine.config_path.exists()
    settings.edits["decisions.on"].show("0.7")
    settings.save()
    assert engine.config_path.read_text() == "[decisions]\non = 0.7\n"
    assert engine.reloads == 1


def test_checks_choices_and_lists_are_what_they_are(settings, engine):
    """Not texts that a person must spell."""
    from PyQt6.QtWidgets import QCheckBox, QComboBox, QPlainTextEdit

    kinds = {
        "alarms.dual_mono": QCheckBox,
        "model.provider": QComboBox,
        "alarms.schedule": QPlainTextEdit,
    }
    for key, kind in kinds.items():
        assert isinstance(settings.edits[key].widget, kind)
    settings.edits["alarms.dual_mono"].show(True)
    settings.edits["model.provider"].show("cpu")
    settings.edits["alarms.schedule"].widget.setPlainText(
        "mon-fri 06:00-09:00 needs speech 10 min\n\n  daily 0:00-6:00 no speech 2 min\n"
    )
    settings.save()
    text = engine.config_path.read_text()
    assert "dual_mono = true" in text
    assert 'provider = "cpu"' in text
    assert '"daily 0:00-6:00 no speech 2 min"' in text


def test_what_was_not_touched_is_not_written(settings, engine):
    """A default stays a default when it changes in the next version."""
    settings.save()
    assert not engine.config_path.exists() or engine.config_path.read_text() == ""


def test_a_button_goes_back_to_the_default(settings, engine):
    """And the key leaves the file."""
    from PyQt6.QtWidgets import QToolButton

    edit = settings.edits["decisions.on"]
    edit.show("0.7")
    back = next(
        button
        for button in settings.findChildren(QToolButton)
        if button.accessibleName().startswith("decisions.on:")
    )
    back.click()
    assert edit.read() == "0.6"


def test_what_a_flag_or_the_environment_says_cannot_be_edited(window, engine):
    """The file would not win."""
    from streamseg.view.settings_dialog import SettingsDialog

    engine.origin = {"decisions.on": "STREAMSEG_DECISIONS_ON", "decisions.off": "default"}
    dialog = SettingsDialog(window, engine)
    assert not dialog.edits["decisions.on"].widget.isEnabled()
    assert dialog.edits["decisions.off"].widget.isEnabled()
    dialog.deleteLater()


def test_a_setting_is_found_by_a_word(settings):
    """In its name or in its reason."""
    settings.search.setText("true_peak")
    shown = [key for key, edit in settings.edits.items() if not edit.widget.isHidden()]
    assert shown == ["alarms.true_peak_dbtp"]
    settings.search.setText("")
    assert not any(edit.widget.isHidden() for edit in settings.edits.values())


def test_a_device_that_is_plugged_in_appears_while_the_list_is_open(devices, engine, qtbot):
    """What was marked stays marked; what is unplugged goes."""
    qtbot.waitUntil(lambda: rows(devices)[1:] == ["Line in   (default)"])
    devices.list.setCurrentRow(1)
    assert devices.chosen == "Line in"
    engine.found = [DeviceChoice("Microphone", "ALSA, 1 ch, 44100 Hz", False), *engine.found]
    devices.look()
    qtbot.waitUntil(lambda: rows(devices)[1:] == ["Microphone", "Line in   (default)"])
    assert devices.chosen == "Line in"
    engine.found = engine.found[:1]
    devices.look()
    qtbot.waitUntil(lambda: rows(devices)[1:] == ["Microphone"])
    assert devices.chosen is None


def test_devices_that_cannot_be_listed_are_an_error_in_the_dialog(devices, engine, qtbot):
    """And the next look may find some."""
    engine.found = SourceUnavailableError("the sound server does not answer")
    qtbot.waitUntil(lambda: not devices._asking)
    devices.look()
    qtbot.waitUntil(lambda: "does not answer" in devices.message.text())
    engine.found = [DeviceChoice("Line in", "ALSA", True)]
    qtbot.waitUntil(lambda: not devices._asking)
    devices.look()
    qtbot.waitUntil(lambda: len(rows(devices)) == 2)


def test_devices_are_never_listed_on_the_threads_of_the_window(devices, engine, qtbot, monkeypatch):
    """A frozen sound server may take seconds."""
    asked = []
    monkeypatch.setattr(
        engine, "devices", lambda: asked.append(threading.current_thread().name) or []
    )
    qtbot.waitUntil(lambda: not devices._asking)
    devices.look()
    qtbot.waitUntil(lambda: asked == ["devices"])


def test_the_source_button_opens_what_was_opened_lately(window, engine, tmp_path):
    """The newest first, each once; the default device is always there."""
    names = [str(tmp_path / "a.wav"), "http://example.org/radio", str(tmp_path / "a.wav")]
    for name in names:
        window.pickers.open(name)
    window.sources.fill()
    texts = [action.text() for action in window.sources.actions() if not action.isSeparator()]
    assert texts[:3] == ["Open file…", "Open URL…", "Choose device…"]
    assert texts[3] == "Default input device"
    assert len(texts) == 6
    window.sources.actions()[-1].trigger()
    assert engine.opened[-1] == "http://example.org/radio"


def test_secrets_are_not_remembered():
    """Neither a password nor what may be a token; the oldest is forgotten."""
    assert remembered([], "http://me:secret@example.org/radio") == []
    assert remembered([], "https://example.org/radio?token=1") == []
    assert remembered([], "https://example.org/radio?rate=1") == [
        "https://example.org/radio?rate=1"
    ]
    assert remembered(["a"], None) == ["a"]
    many = [f"http://example.org/{number}" for number in range(8)]
    assert remembered(many, "http://example.org/new") == ["http://example.org/new", *many[:7]]


def test_a_recent_source_has_a_short_name():
    """The end of an address, the name of a file."""
    assert label("/home/me/recordings/monday.wav") == "monday.wav   (recordings)"
    assert len(label("http://example.org/" + "x" * 200)) == 60
