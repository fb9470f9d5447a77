"""The array of mnist_core.holdout, made anew: `python tests/holdout.py LABELS`, where LABELS is
qmnist-train-labels-idx2-int.gz of QMNIST.

QMNIST (Chhavi Yadav and Léon Bottou, Cold Case: The Lost MNIST Digits, NeurIPS 2019) traces each
digit of MNIST, in MNIST's order, to NIST's writer. `data/qmnist-writers.npz` is what is needed of
it, under QMNIST's licence, which lies beside it.
"""

import gzip
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mnist_core import holdout
from mnist_core.judge import HOLDOUT_IMAGES, TRAIN_IMAGES

WRITERS = Path(__file__).parent / "data" / "qmnist-writers.npz"
STUDENTS = 2100
"""The first writer of NIST's series hsf4, high-school students; before them come the employees
of the series hsf0, who write more legibly."""
_SERIES, _COLUMNS = 2, 8
_HEADER = np.array([0x0C02, TRAIN_IMAGES, _COLUMNS], ">i4").tobytes()

Writers = npt.NDArray[np.uint16]
"""The writer of each training image, 0 to 2349."""


def read(labels: Path) -> Writers:
    """From QMNIST's extended labels. Raises ValueError where it is another file."""
    content = gzip.decompress(labels.read_bytes())
    start = len(_HEADER)
    if content[:start] != _HEADER:
        raise ValueError(f"{labels} is not qmnist-train-labels-idx2-int.gz")
    rows = np.frombuffer(content, ">i4", offset=start).reshape(TRAIN_IMAGES, _COLUMNS)
    return rows[:, 2].astype(np.uint16)


def kept() -> Writers:
    """From the file beside this one."""
    with np.load(WRITERS) as file:
        return file["writers"]


def drawn(writers: Writers) -> npt.NDArray[np.bool_]:
    """Which images are held out: as in the test set half are of either series, each of whole
    writers, drawn at random until they have just as many images."""
    students = writers >= STUDENTS
    chosen = [_whole(writers[each], HOLDOUT_IMAGES // _SERIES) for each in (students, ~students)]
    return np.isin(writers, np.concatenate(chosen))


def _whole(writers: Writers, images: int) -> Writers:
    """Writers that have so many images in all: the first in the first order in which some do."""
    numbers, counts = np.unique(writers, return_counts=True)
    seed = 0
    while True:
        order = np.random.RandomState(seed).permutation(len(numbers))  # of all numpys the same
        [found] = np.nonzero(counts[order].cumsum() == images)
        if len(found):
            return numbers[order[: found[0] + 1]]
        seed += 1


if __name__ == "__main__":
    found = read(Path(sys.argv[1]))
    np.savez_compressed(WRITERS, writers=found)
    holdout.FILE.write_bytes(np.packbits(drawn(found)).tobytes())
