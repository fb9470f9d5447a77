"""Dropout from a generator of its own, and cheap where torch's is dear."""

from typing import Any

import torch
from torch import Generator, Tensor, nn


class Dropout(nn.Module):
    """Each activation (or whole channel) is 0 with probability p, else divided by 1 - p.

    torch's own draws one number after another on a CPU: for [128, 16, 24, 24] that took longer
    than the convolution before it. Here 16 random bits decide an activation, four from one 64-bit
    draw, so p is rounded to a multiple of 1/65536 (and the scale with it: the mean stays exact).
    """

    def __init__(
        self, p: float, whole_channels: bool = False, generator: Generator | None = None
    ) -> None:
        super().__init__()
        self.p = p
        self.whole_channels = whole_channels
        self._generator = generator

    def forward(self, x: Tensor) -> Tensor:
        cut = min(65535, round(self.p * 65536))
        if not self.training or not cut:
            return x
        kept = _kept(x[:, :, :1, :1] if self.whole_channels else x, cut, self._generator)
        return x * kept

    def extra_repr(self) -> str:
        return f"p={self.p}, whole_channels={self.whole_channels}"

    def __deepcopy__(self, memo: dict[int, Any]) -> "Dropout":
        """A generator cannot be copied: a copy of the net shares it."""
        return Dropout(self.p, self.whole_channels, self._generator).train(self.training)


def _kept(like: Tensor, cut: int, generator: Generator | None) -> Tensor:
    """0 with probability cut / 65536, else what keeps the mean, in shape and layout of `like`."""
    n = like.numel()
    words = torch.empty((n + 3) // 4, dtype=torch.int64, device=like.device)
    bits = words.random_(-(2**63), None, generator=generator).view(torch.int16)[:n]
    mask = torch.empty_like(like)  # dense, so that one flat view covers it in any layout
    flat = mask.as_strided((n,), (1,))
    torch.ge(bits, cut - 32768, out=flat)
    flat.mul_(65536 / (65536 - cut))
    return mask
