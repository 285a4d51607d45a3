"""Training of the networks: the only place with torch, never imported at run time.

``data`` reads the corpus, ``singing``, ``melodies`` and ``synthetic`` add what it lacks, ``mixing``
and ``augment`` compose programmes with labels, ``render`` turns them into shards of features, one
file per network holds its graph, ``fit`` trains it, ``export`` writes ``models/<stem>.onnx`` and
its card.
"""
