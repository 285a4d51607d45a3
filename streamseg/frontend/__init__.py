"""From samples to spectra: stateful, allocation in the constructor, any block size.

Every class has ``push(block) -> what this block completes`` and ``reset()``. The outputs of any
split of a signal, put together, equal the output of the signal in one block.
"""
