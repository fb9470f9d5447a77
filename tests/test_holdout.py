"""The training images that are held out: whose they are, and who is judged by them."""

import hashlib
from typing import Literal

import holdout as drawing
import numpy as np
import pytest
import torch
from tiny import curve, tiny_config

from mnist_core import holdout
from mnist_core.config import Config, Data
from mnist_core.data import Mnist
from mnist_core.errors import UserError
from mnist_core.native import library
from mnist_core.train import Training

HELD = holdout.held_out()


def test_the_file_is_what_its_script_draws_and_stays_so() -> None:
    """Another array would be another judge, under the same name."""
    assert np.array_equal(HELD, drawing.drawn(drawing.kept()))
    digest = hashlib.sha256(holdout.FILE.read_bytes()).hexdigest()
    assert digest == "87e5512fc65eaf94fcb386599954356d5645e24f80629f26fec5286812b7074d"


def test_no_writer_is_on_both_sides() -> None:
    writers = drawing.kept()
    held, others = set(writers[HELD]), set(writers[~HELD])
    assert held.isdisjoint(others)
    assert (len(held), len(others)) == (90, 449)


def test_the_holdout_is_as_large_as_the_test_set_and_made_like_it(mnist: Mnist) -> None:
    assert HELD.shape == (60_000,)
    assert HELD.sum() == len(mnist.test_labels)
    students = drawing.kept() >= drawing.STUDENTS
    assert (HELD & students).sum() == 5_000
    labels = mnist.train_labels.numpy()
    share = np.bincount(labels[HELD]) / HELD.sum()
    assert share == pytest.approx(np.bincount(labels[~HELD]) / (~HELD).sum(), abs=0.005)
    assert share == pytest.approx(np.bincount(mnist.test_labels.numpy()) / 10_000, abs=0.005)


def test_mnist_with_the_holdout_as_judge(mnist: Mnist) -> None:
    apart = mnist.take(50_000, 10_000, "holdout")
    held = torch.from_numpy(HELD)
    assert torch.equal(apart.test_images, mnist.train_images[held])
    assert torch.equal(apart.test_labels, mnist.train_labels[held])
    assert torch.equal(apart.train_images, mnist.train_images[~held])
    assert torch.equal(apart.train_labels, mnist.train_labels[~held])
    assert apart.train_images.is_contiguous()
    few = mnist.take(300, 20, "holdout")
    assert torch.equal(few.train_images, apart.train_images[:300])
    assert torch.equal(few.test_labels, apart.test_labels[:20])
    part = mnist.take(600, 1).take(300, 20, "holdout")  # the first images are in their order too
    assert torch.equal(part.test_images, few.test_images)


@pytest.mark.parametrize(
    ("train", "test", "says"),
    [
        (50_001, 1, "50001 training images: choose between 1 and 50000"),
        (1, 10_001, "10001 held-out images: choose between 1 and 10000"),
        (1, 0, "0 held-out images"),
    ],
)
def test_take_refuses(mnist: Mnist, train: int, test: int, says: str) -> None:
    with pytest.raises(UserError, match=says):
        mnist.take(train, test, "holdout")


@pytest.mark.parametrize("engine", ["native", "torch"])
@pytest.mark.usefixtures("one_thread")
def test_either_engine_trains_on_the_others_and_is_judged_by_these(
    engine: Literal["native", "torch"], mnist: Mnist
) -> None:
    """The same as a training on a set that has these images in these places."""
    if engine == "native" and library.unavailable():
        pytest.skip(library.unavailable())
    held = torch.from_numpy(HELD)
    images, labels = mnist.train_images, mnist.train_labels
    arranged = Mnist(images[~held], labels[~held], images[held], labels[held])
    config = tiny_config()
    judged = config.changed(data=Data(judge="holdout", train=320, test=200))
    assert curve(Training(judged, mnist, engine=engine)) == curve(
        Training(config, arranged, engine=engine)
    )
    assert curve(Training(judged, mnist, engine=engine)) != curve(
        Training(config, mnist, engine=engine)
    )


def test_the_test_images_judge_where_nothing_is_said() -> None:
    """Old files, keys of ledgers and fingerprints have no judge, and stay what they are."""
    assert Data().judge == "test"
    assert Data().model_dump() == {"train": 60_000, "test": 10_000}
    assert "judge" not in tiny_config().to_dict()["data"]
    assert Data.model_validate({"judge": "test"}) == Data()


def test_all_that_remain_are_trained_on() -> None:
    whole = Data(judge="holdout")
    assert (whole.train, whole.test, whole.whole) == (50_000, 10_000, True)
    assert not Data(judge="holdout", train=49_999).whole
    assert whole.model_dump() == {"judge": "holdout", "train": 50_000, "test": 10_000}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (Data(judge="holdout"), Data()),
        (Data(judge="holdout", test=1_000), Data(test=1_000)),
        (Data(judge="holdout", train=6_000, test=1_000), Data(train=6_000, test=1_000)),
    ],
)
def test_data_with_another_judge(before: Data, after: Data) -> None:
    """All there are to train on stay all, and so many stay so many."""
    assert before.judged_by("test") == after
    assert after.judged_by("holdout") == before
    assert before.judged_by("holdout") == before


def test_a_config_says_its_judge_and_is_read_back() -> None:
    config = tiny_config(data={"judge": "holdout", "train": 320, "test": 200})
    assert config.to_dict()["data"] == {"judge": "holdout", "train": 320, "test": 200}
    assert Config.from_dict(config.to_dict()) == config
    assert config != tiny_config()
