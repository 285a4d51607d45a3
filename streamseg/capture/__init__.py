"""Sound walks in here: devices, files, URLs and pipes behind one interface (``base.Source``).

``device`` is the only module with sounddevice, ``media`` the only one with PyAV; both are slow to
import, so this package imports nothing by itself.
"""
