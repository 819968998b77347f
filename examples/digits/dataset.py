"""The handwritten digits of digits.csv.gz, and which of them training must never see.

Standard library only, so that a load generator can read them without PyTorch or numpy.
"""

import csv
import gzip
import os
from typing import List, NamedTuple

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "digits.csv.gz")
PIXELS = 64  # 8 rows of 8, each pixel a whole number from 0 (paper) to PIXEL_MAX (ink)
PIXEL_MAX = 16
HELD_OUT_EVERY = 5


class Image(NamedTuple):
    label: int
    pixels: List[int]


def read_images():
    """All 1,797 images, in the order of the file."""
    with gzip.open(PATH, "rt", encoding="ascii", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        return [Image(int(row[0]), [int(value) for value in row[1:]]) for row in rows]


def training_images():
    """Four of five images: what train.py may learn from."""
    return [image for index, image in enumerate(read_images()) if index % HELD_OUT_EVERY != 0]


def held_out_images():
    """Every fifth image, 360 of them: what accuracy is measured on."""
    return [image for index, image in enumerate(read_images()) if index % HELD_OUT_EVERY == 0]
