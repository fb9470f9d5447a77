"""The training images that judge where the test images are to stay unseen: 10,000 by 90 writers,
of 60,000 by 539. Nobody who wrote one of them wrote any of the others, just as nobody who wrote a
training image wrote a test image: for the net, all that judges it is in new hands.

Who wrote which image is known from QMNIST (Chhavi Yadav and Léon Bottou, Cold Case: The Lost MNIST
Digits, NeurIPS 2019; its licence is BSD-style). As in the test set, one half is by employees and
one by high-school students (NIST's series hsf0 and hsf4). `tests/holdout.py` draws them, and writes
the file.
"""

from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from mnist_core.judge import TRAIN_IMAGES

FILE: Final = Path(__file__).with_name("holdout.bits")
"""A bit for each training image, in their order, the highest of a byte first."""


@cache
def held_out() -> npt.NDArray[np.bool_]:
    """Which of the training images they are: [60,000]. Not to be written to."""
    return np.unpackbits(np.fromfile(FILE, np.uint8), count=TRAIN_IMAGES).astype(np.bool_)
