"""``python -m streamseg`` is ``streamseg``."""

from streamseg.cli import main

if __name__ == "__main__":
    main()
