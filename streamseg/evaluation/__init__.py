"""How well a network and its decisions hear: metrics over recordings with a known truth.

``python -m streamseg.evaluation programmes DIR`` and ``... clips CORPUS`` print tables and write
JSON. Never imported by the program itself.
"""
