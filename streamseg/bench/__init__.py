"""How fast this machine runs streamseg: what ``streamseg bench`` measures, and how.

``report`` puts everything together. What is said of one core runs in a process of its own that may
use one core only (``one_core``); what is said of a live source runs through the real monitor at the
speed of the sound (``live``). Ratios stand between figures of one run, never between machines.
"""
