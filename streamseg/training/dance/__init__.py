"""Dance music by rule, with exact stems: six closely related electronic genres.

``piece.make(genre, seed)`` composes about ten seconds as drums, bass, other and vocals whose sum is
the mixture, to the last bit. ``genres`` holds what a genre is (tempi, grooves, idioms and how often
each comes), ``patterns`` the drum grooves, ``kits`` the drums, ``synth`` the synthesiser,
``harmony`` keys and chords, ``basses`` and ``chords`` what is played, ``voices`` the vocals.

The music is *generated*, and every table that uses it says so.
"""
