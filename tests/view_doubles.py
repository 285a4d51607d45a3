"""Stand-ins for what the window is handed."""


class Player:
    """Keeps what it should play, and is at its beginning for ever."""

    def __init__(self):
        self.samples = None
        self.played_s = None

    def play(self, samples, rate_hz):
        """Begin."""
        self.samples, self.played_s = samples, 0.0

    def stop(self):
        """Be quiet."""
        self.played_s = None
