"""``streamseg models``: the networks, what they cost and how well they hear."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from streamseg.models import ALL_STEMS, load_any, load_card


def run(console: Console, verify: bool) -> None:
    """Print the cards; with ``verify`` load every network and hold it against its card.

    Raises ModelError for the first that does not fit.
    """
    table = Table(box=None, pad_edge=False)
    for heading in ("model", "classes", "look-ahead", "hop", "parameters", "MAC/s", "about"):
        table.add_column(heading)
    for stem, about in ALL_STEMS.items():
        card = load_card(stem)
        if verify:
            network = load_any(stem, "cpu")
            about = f"sha256 and graph as on the card ({network.provider})"
        first, last = card.lookahead_s("provisional"), card.lookahead_s("confirmed")
        table.add_row(
            stem,
            " ".join(card.classes),
            f"{first:.2f} s" if first == last else f"{first:.2f}/{last:.2f} s",
            f"{card.hop_s * 1000:.0f} ms",
            f"{card.parameters / 1000:.0f} k",
            f"{card.macs_per_audio_s / 1e6:.1f} M",
            about,
        )
    console.print(table)
