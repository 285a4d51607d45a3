"""Every failure that a user can meet: one type per cause, each with its exit code.

The texts say what was expected, what came, and what to do. The command line prints the text (and a
traceback only with ``-v``) and leaves with ``exit_code``.
"""

from __future__ import annotations

EXIT_OK = 0
EXIT_USAGE = 2


class StreamsegError(Exception):
    """Base of all failures that a user can meet."""

    exit_code = 1


class UsageError(StreamsegError):
    """A flag or an argument makes no sense."""

    exit_code = EXIT_USAGE


class NoSuchInputError(StreamsegError):
    """A file that is not there, is not audio, or holds no sound."""

    exit_code = 66


class SourceUnavailableError(StreamsegError):
    """A device or URL that cannot be opened, or that went away."""

    exit_code = 69


class CannotWriteError(StreamsegError):
    """An output that cannot be written."""

    exit_code = 74


class ConfigError(StreamsegError):
    """A configuration or a model file that is not valid."""

    exit_code = 78


class ModelError(ConfigError):
    """A network or its card that is missing, damaged or does not fit the other."""


class InterruptedRunError(StreamsegError):
    """The user or the system asked the program to stop."""

    exit_code = 130
