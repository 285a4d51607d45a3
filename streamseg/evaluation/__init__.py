"""How well a network and its decisions hear: metrics over recordings with a known truth.

``python -m streamseg.evaluation --help`` lists the tables; each command prints one and can write it
as JSON. Sounds that are made for them come from ``streamseg.training`` (no torch in that part).
Never imported by the program itself.
"""
