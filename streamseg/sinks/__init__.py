"""Where decisions leave the program: the event log and the file formats of ``scan``."""
