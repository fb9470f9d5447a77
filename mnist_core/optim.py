"""The optimizer on its way along the config's schedule, and the averaging of the net it leads."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from mnist_core import config as configs
from mnist_core.schedule import LossDip, factors


class Pace:
    """Hands out the optimizer, set to the rate and momentum of each update in turn."""

    def __init__(self, config: configs.Config, net: nn.Module, batches: int) -> None:
        self._config = config
        self._net = net
        self._batches = batches
        self._factor = 1.0  # what loss-driven drops have come to
        self._losses: list[float] = []
        self._optimizer = _optimizer(config.optimizer, net)
        self.lr = config.optimizer.lr
        """The rate of the latest update."""

    def epoch(self, epoch: int) -> Iterator[Optimizer]:
        """The optimizer, once for every update of the epoch (counted from 0)."""
        schedule, epochs = self._config.schedule, self._config.epochs
        for factor, momentum in factors(schedule, epoch, epochs, self._batches):
            self.lr = self._config.optimizer.lr * self._factor * factor
            for group in self._optimizer.param_groups:
                group["lr"] = self.lr
                if momentum is not None:
                    _set_momentum(group, momentum)
            yield self._optimizer

    def ended(self, loss: float) -> None:
        """An epoch is over, with this sum of the training losses of its batches."""
        schedule = self._config.schedule
        self._losses.append(round(loss / max(1, self._batches - 1), 6))  # see LossDip
        if isinstance(schedule, LossDip) and schedule.dips(self._losses):
            self._factor *= schedule.gamma
            self._optimizer = _optimizer(self._config.optimizer, self._net)


def averaged(net: nn.Module, averaging: configs.NoAveraging | configs.Ema) -> AveragedModel | None:
    """The running average of `net`, weights and batch-norm statistics, to `update_parameters`
    after each update; None where the config asks for no averaging.

    The statistics are averaged too because those of the latest weights do not fit averaged ones:
    copying them made single epochs fall to 92 %.
    """
    if isinstance(averaging, configs.NoAveraging):
        return None

    def blend(averages: Any, currents: Any, updates: Tensor | int) -> None:
        n = int(updates)
        decay = min(averaging.decay, (1 + n) / (10 + n))
        get_ema_multi_avg_fn(decay)(averages, currents, n)

    return AveragedModel(net, multi_avg_fn=blend, use_buffers=True).eval()


def _optimizer(options: configs.Sgd | configs.Adam, net: nn.Module) -> Optimizer:
    groups = _groups(options, net)
    fused = next(net.parameters()).device.type in ("cpu", "cuda")
    match options:
        case configs.Sgd():
            return SGD(groups, options.lr, options.momentum, nesterov=options.nesterov, fused=fused)
        case configs.Adam(kind="adam"):
            return Adam(groups, options.lr, options.betas, fused=fused)
        case _:
            return AdamW(groups, options.lr, options.betas, fused=fused)


def _groups(
    options: configs.Sgd | configs.Adam, net: nn.Module
) -> list[dict[str, list[nn.Parameter] | float]]:
    """Weights of convolutions and linear layers have two axes or more; the rest decays only where
    the config says so."""
    weights = [p for p in net.parameters() if p.dim() > 1]
    others = [p for p in net.parameters() if p.dim() == 1]
    decay = options.weight_decay
    return [
        {"params": weights, "weight_decay": decay},
        {"params": others, "weight_decay": decay if options.decay == "all" else 0.0},
    ]


def _set_momentum(group: dict[str, object], momentum: float) -> None:
    if "betas" in group:
        group["betas"] = (momentum, *group["betas"][1:])  # type: ignore[index]
    else:
        group["momentum"] = momentum
