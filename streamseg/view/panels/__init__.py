"""The parts of the window, one module each; thin: they draw what the state holds."""
