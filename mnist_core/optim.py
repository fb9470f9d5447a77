"""torch's optimizer for a config, and the averaging of the net that it leads."""

from typing import Any

from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from mnist_core import config as configs


def make(options: configs.Sgd | configs.Adam, net: nn.Module) -> Optimizer:
    groups = _groups(options, net)
    fused = next(net.parameters()).device.type in ("cpu", "cuda")
    match options:
        case configs.Sgd():
            return SGD(groups, options.lr, options.momentum, nesterov=options.nesterov, fused=fused)
        case configs.Adam(kind="adam"):
            return Adam(groups, options.lr, options.betas, fused=fused)
        case _:
            return AdamW(groups, options.lr, options.betas, fused=fused)


def set_pace(optimizer: Optimizer, lr: float, momentum: float | None) -> None:
    """Of the next update; momentum: of SGD, or Adam's beta 1, None to leave it as it is."""
    for group in optimizer.param_groups:
        group["lr"] = lr
        if momentum is None:
            continue
        if "betas" in group:
            group["betas"] = (momentum, *group["betas"][1:])
        else:
            group["momentum"] = momentum


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
        get_ema_multi_avg_fn(averaging.after(n))(averages, currents, n)

    return AveragedModel(net, multi_avg_fn=blend, use_buffers=True).eval()


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
