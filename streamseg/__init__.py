"""Real-time streaming audio monitor."""

__version__ = "0.1.0"
