"""Facts about what is scanned: folders, names and lists."""

import os
import sys
from pathlib import Path, PurePath

import pytest

from streamseg.archive.find import find, read_list
from streamseg.errors import NoSuchInputError


def touch(path):
    """An empty file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_a_folder_gives_its_sound_files_to_the_bottom(tmp_path):
    """In the order of their names; text and hidden files are left out."""
    touch(tmp_path / "b" / "two.FLAC")
    touch(tmp_path / "a.wav")
    touch(tmp_path / "notes.txt")
    touch(tmp_path / "._a.wav")
    touch(tmp_path / ".trash" / "gone.wav")
    found = find([str(tmp_path)])
    assert [item.file for item in found] == [
        str(tmp_path / "a.wav"),
        str(tmp_path / "b" / "two.FLAC"),
    ]
    assert [item.place for item in found] == [PurePath("a"), PurePath("b/two")]


def test_a_file_that_is_named_may_be_called_anything(tmp_path):
    """Only folders are filtered by suffix; standard input has a stem of its own."""
    odd = touch(tmp_path / "take.raw.v2")
    found = find([str(odd), "-", "http://example.org/a.mp3"])
    assert [str(item.place) for item in found] == ["take.raw", "stdin", "a"]
    assert not any(item.from_folder for item in found)


def test_a_folder_without_sound_is_an_error(tmp_path):
    """Nothing to do is a mistake in the path, not a success."""
    touch(tmp_path / "notes.txt")
    with pytest.raises(NoSuchInputError, match="got none that is called like one"):
        find([str(tmp_path)])


@pytest.mark.skipif(
    sys.platform == "win32" or not hasattr(os, "geteuid") or os.geteuid() == 0,
    reason="needs a user who may not read everything",
)
def test_a_folder_that_cannot_be_read_is_an_error(tmp_path):
    """Files that would be missing in the results are not passed over."""
    touch(tmp_path / "a.wav")
    closed = touch(tmp_path / "b" / "c.wav").parent
    closed.chmod(0)
    try:
        with pytest.raises(NoSuchInputError, match="correct its rights"):
            find([str(tmp_path)])
    finally:
        closed.chmod(0o755)


def test_a_list_has_one_name_a_line(tmp_path):
    """Blank lines do not count, Windows line ends neither, and any byte may be in a name."""
    (tmp_path / "list").write_bytes(b"a.wav\r\n\nb c.wav\nd\xe9.wav")
    names = read_list(str(tmp_path / "list"))
    assert names == ["a.wav", "b c.wav", os.fsdecode(b"d\xe9.wav")]


def test_a_list_that_is_not_there_is_an_error(tmp_path):
    """The message names it."""
    with pytest.raises(NoSuchInputError, match=r"nowhere\.txt"):
        read_list(str(Path(tmp_path) / "nowhere.txt"))
