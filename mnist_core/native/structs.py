"""The structs and enumerations of src/binding.h, as ctypes has them."""

from ctypes import Structure, c_double, c_int32, c_uint64
from enum import IntEnum


class Kind(IntEnum):
    """enum dd_kind"""

    CONV = 0
    LINEAR = 1
    BN = 2
    ACTIVATION = 3
    DROPOUT = 4
    MAXPOOL = 5
    AVGPOOL = 6
    GAP = 7
    FLATTEN = 8


class Operation(IntEnum):
    """enum dd_augmentation_kind"""

    AFFINE = 0
    JITTER = 1


class Optimizer(IntEnum):
    """enum dd_optimizer"""

    SGD = 0
    ADAM = 1
    ADAMW = 2


class Which(IntEnum):
    """enum dd_which"""

    CURRENT = 0
    AVERAGE = 1
    GRADIENT = 2


class Layer(Structure):
    """struct dd_layer"""

    _fields_ = (
        ("kind", c_int32),
        ("inputs", c_int32),
        ("outputs", c_int32),
        ("kernel", c_int32),
        ("padding", c_int32),
        ("stride", c_int32),
        ("groups", c_int32),
        ("bias", c_int32),
        ("activation", c_int32),
        ("whole_channels", c_int32),
        ("rate", c_double),
    )


class Augmentation(Structure):
    """struct dd_augmentation"""

    _fields_ = (
        ("kind", c_int32),
        ("bilinear", c_int32),
        ("whole_pixels", c_int32),
        ("degrees", c_double),
        ("translate", c_double * 2),
        ("scale", c_double * 2),
        ("shear", c_double * 2),
        ("fill", c_double),
        ("brightness", c_double),
        ("contrast", c_double),
    )


class Recipe(Structure):
    """struct dd_recipe"""

    _fields_ = (
        ("batch_size", c_int32),
        ("optimizer", c_int32),
        ("decay_all", c_int32),
        ("nesterov", c_int32),
        ("averaging", c_int32),
        ("average_decay", c_double),
        ("weight_decay", c_double),
        ("beta2", c_double),
        ("label_smoothing", c_double),
        ("augmentation_seed", c_uint64),
        ("dropout_seed", c_uint64),
    )
