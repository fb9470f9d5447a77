"""The native engine's random numbers, said again in numpy: see mnist_core/native/src/random.hpp."""

import math
from typing import Any

import numpy as np

from mnist_core.layers import Dropout, Shape

DROPOUT, AUGMENTATION = 0, 1  # enum class Purpose
ROTATIONS = ((10, 26), (11, 21), (13, 27), (23, 5), (6, 20), (17, 11), (25, 10), (18, 20))


@np.errstate(over="ignore")  # words wrap round
def threefry(key: list[Any], counter: list[Any], rounds: int = 12) -> np.ndarray:
    """[4, ...] words; the eight arguments broadcast. Salmon et al., SC'11."""
    words = [np.asarray(word, np.uint32) for word in (*key, *counter)]
    *key, a, b, c, d = np.broadcast_arrays(*words)
    key.append(key[0] ^ key[1] ^ key[2] ^ key[3] ^ np.uint32(0x1BD11BDA))
    x = [a + key[0], b + key[1], c + key[2], d + key[3]]
    for number in range(rounds):
        partner = 3 if number % 2 else 1
        pairs = ((0, partner), (2, 4 - partner))
        for (first, second), bits in zip(pairs, ROTATIONS[number % 8], strict=True):
            x[first] = x[first] + x[second]
            turned = x[second] << np.uint32(bits) | x[second] >> np.uint32(32 - bits)
            x[second] = turned ^ x[first]
        if number % 4 == 3:
            done = number // 4 + 1
            x = [x[i] + key[(done + i) % 5] for i in range(4)]
            x[3] = x[3] + np.uint32(done)
    return np.stack(x)


def random_words(
    seed: int, step: int, layer: int, image: Any, index: Any, purpose: int
) -> np.ndarray:
    """[4, ...] for images and indices that broadcast. seed, step: of 64 bits, signed or not."""
    low = 2**32 - 1
    key = [seed & low, seed >> 32 & low, layer, purpose]
    return threefry(key, [index, image, step & low, step >> 32 & low])


def kept(layer: Dropout, shape: Shape, images: int, seed: int, step: int, place: int) -> np.ndarray:
    """What a dropout layer multiplies by: [images, *shape], or [images, C, 1, 1]."""
    shape = (shape[0], 1, 1) if layer.whole_channels else shape
    cut = min(65535, round(layer.p * 65536))
    count = math.prod(shape)
    groups = np.arange(-(-count // 8))
    found = random_words(seed, step, place, np.arange(images)[:, None], groups[None], DROPOUT)
    halves = np.stack([found & 0xFFFF, found >> 16], axis=1)  # [4, 2, images, groups]
    in_order = np.moveaxis(halves, (0, 1), (2, 3)).reshape(images, -1)[:, :count]
    factors = np.where(in_order < cut, 0.0, 65536 / (65536 - cut))
    return factors.reshape(images, *shape)
