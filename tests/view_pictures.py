"""Pictures of widgets as numbers."""

import numpy as np


def pixels(widget):
    """What a widget shows: (height, width, 3) uint8."""
    from PyQt6.QtGui import QImage

    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    bits = image.constBits()
    bits.setsize(image.sizeInBytes())
    rows = np.frombuffer(bits, np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def colour(text):
    """``#rrggbb`` as three numbers."""
    return np.array([int(text[place : place + 2], 16) for place in (1, 3, 5)])


def share(picture, text):
    """Share of pixels that have a colour, nearly."""
    return float((np.abs(picture.astype(int) - colour(text)).max(axis=-1) < 12).mean())
