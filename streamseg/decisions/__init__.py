"""From probabilities to decisions: smoothing, level gate, one state machine per class.

Everything here runs on the decisions thread of the pipeline, in plain Python and numpy, and gives
the same result for every split of the frames.
"""
