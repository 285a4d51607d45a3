"""The window. The only part of streamseg that knows Qt, and only below ``panels``, ``window``,
``dialogs`` and ``app``: what is shown lives in modules without Qt.

The data flow, left to right; arrows are threads handing frozen records on::

    analysis thread -- tap ----> display worker (display.py: spectrum, level, loudness) -+
    network thread --- watch ------------------------------------------------------------> state.py
    sink thread ------ sink -------------------------------------------------------------+    |
                                                                                              v
                                          the window's timer reads the newest snapshot and draws

Not goals: editing sound, several sources in one window, any analysis that the log would not have.
"""
