"""Many files: found, scanned by processes or machines, kept in a journal, gathered in a data set.

``find`` says what to scan, ``work`` scans one file, ``pool`` does that on this machine and
``cluster`` (the only file with Dask) on many; ``journal`` remembers what is done, and ``data_set``
(the only file with pyarrow) makes one table of it. ``streamseg.commands`` puts them together.
"""

from __future__ import annotations
