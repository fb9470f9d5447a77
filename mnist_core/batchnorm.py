"""Batch norm that is quick where channels are few: same mathematics and state as torch's.

PyTorch's channels_last kernels loop over the channels; with 8 to 16 of them that is mostly
overhead. Here 16 pixels side by side are taken as 16 C pseudo-channels, whose statistics are
combined afterwards: 3 to 7 times as fast on a CPU, equal to float32 rounding.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn


class BatchNorm2d(nn.BatchNorm2d):
    """`nn.BatchNorm2d`; float32 training on a CPU takes the quick way."""

    def forward(self, x: Tensor) -> Tensor:
        if not (self.training and x.device.type == "cpu" and x.dtype is torch.float32):
            return super().forward(x)
        assert self.momentum is not None
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        out, mean, var = _Tiled.apply(x, self.weight, self.bias, self.eps)
        pixels = x.numel() // x.shape[1]
        if pixels < 2:
            raise ValueError("batch norm needs more than one value a channel while training")
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(var * (pixels / (pixels - 1)), self.momentum)
            self.num_batches_tracked.add_(1)
        return out  # type: ignore[no-any-return]


class _Tiled(torch.autograd.Function):
    """Training-mode batch norm over rows of `tile` pixels, so that the kernels see wide rows.

    Returns (normalised x, mean [C], biased variance [C]) of x [N, C, H, W].
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        channels = x.shape[1]
        tile = math.gcd(x.numel() // channels, 16)
        rows = _rows(x, tile * channels)
        tile_mean, tile_var = torch.batch_norm_update_stats(_as_image(rows), None, None, 0.0)
        tile_mean, tile_var = tile_mean.view(tile, channels), tile_var.view(tile, channels)
        mean = tile_mean.mean(0)
        var = (tile_var + (tile_mean - mean).square()).mean(0)
        scale = weight * (var + eps).rsqrt()
        out = torch.empty_like(x, memory_format=torch.channels_last)
        shifts, scales = torch.stack((bias - mean * scale, scale)).repeat(1, tile)
        torch.addcmul(shifts, rows, scales, out=_rows(out, tile * channels))
        ctx.save_for_backward(rows, weight, mean, var)
        ctx.eps, ctx.tile = eps, tile
        ctx.mark_non_differentiable(mean, var)
        return out, mean, var

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        """dx = scale (dy - mean(dy) - x_hat mean(dy x_hat)), as `offset + slope x + scale dy`."""
        rows, weight, mean, var = ctx.saved_tensors
        tile, channels = ctx.tile, mean.numel()
        grad = _rows(grads[0], tile * channels)
        means, variances = torch.stack((mean, var)).repeat(1, tile)
        # In evaluation mode the stock kernel returns just the two sums that the formula needs.
        _, tile_weight, tile_bias = torch.ops.aten.native_batch_norm_backward(
            _as_image(grad), _as_image(rows), None, means, variances, None, None,
            False, ctx.eps, [False, True, True],
        )  # fmt: skip
        grad_weight = tile_weight.view(tile, channels).sum(0)
        grad_bias = tile_bias.view(tile, channels).sum(0)
        pixels = rows.numel() // channels
        invstd = (var + ctx.eps).rsqrt()
        scale = weight * invstd
        slope = scale * invstd * grad_weight / -pixels
        offset = scale * grad_bias / -pixels - slope * mean
        out = torch.empty_like(grads[0], memory_format=torch.channels_last)
        out_rows = _rows(out, tile * channels)
        offsets, slopes, scales = torch.stack((offset, slope, scale)).repeat(1, tile)
        torch.addcmul(offsets, rows, slopes, out=out_rows).addcmul_(grad, scales)
        return out, grad_weight, grad_bias, None


def _rows(x: Tensor, width: int) -> Tensor:
    """[N, C, H, W] as [N H W C / width, width] in channels_last order; a view of such an x."""
    return x.permute(0, 2, 3, 1).reshape(-1, width)


def _as_image(rows: Tensor) -> Tensor:
    """[R, K] as a channels_last image [1, K, R, 1]: its kernels are vectorised over K."""
    return rows.view(1, rows.shape[0], 1, rows.shape[1]).permute(0, 3, 1, 2)
