"""What a training says after each epoch, or why it had to end. No torch."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EpochResult:
    """What one epoch came to. Accuracies are percent; losses are means over the images."""

    epoch: int
    """Counted from 1."""
    train_loss: float
    train_acc: float
    """While training: in train mode, on augmented images."""
    test_loss: float
    test_acc: float
    """Of the images that judge: `data.judge` of the config."""
    lr: float
    """Learning rate of the epoch's last update."""
    seconds: float
    fit_acc: float | None = None
    """Of the last epoch only: on training images as `test_acc` is on the judge's, in evaluation
    mode and not augmented; the first ones, as many as the judge has. What it has on
    `test_acc` is what the net does worse on images that it has not seen."""


class NonFiniteLoss(ArithmeticError):
    """A loss became nan or infinite. If it was a training loss, its update was not made."""
