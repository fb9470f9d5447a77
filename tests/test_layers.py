"""The layer notation: text both ways, faults in one line, shapes and counts equal to torch's."""

import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples, nets

from mnist_core import layers as notation
from mnist_core.config import Config
from mnist_core.layers import ACTIVATIONS, BatchNorm, Conv, Dropout, Layer, Linear, Pool, parse
from mnist_core.model import build

CANONICAL = {
    "conv 1->8 k3": "conv 1->8 k3 p0 bias=true",
    "conv 1->8 k3 p1": "conv 1->8 k3 p1 bias=true",
    "conv 8->16 k3 p1 s2 g4 bias=false": "conv 8->16 k3 p1 s2 g4 bias=false",
    "conv 8->8 k1 g8": "conv 8->8 k1 p0 g8 bias=true",
    "conv 8->8 k1 s1 g1 bias=true": "conv 8->8 k1 p0 bias=true",
    "conv 008->8 k1": "conv 8->8 k1 p0 bias=true",
    "linear 128->10": "linear 128->10 bias=true",
    "linear 128->10 bias=false": "linear 128->10 bias=false",
    "  bn ": "bn",
    "dropout 0.10": "dropout 0.1",
    "dropout 0": "dropout 0.0",
    "dropout2d 5e-2": "dropout2d 0.05",
    "maxpool 2": "maxpool 2",
    "maxpool 2 s2": "maxpool 2",
    "maxpool 3 s2": "maxpool 3 s2",
    "avgpool 6 s1": "avgpool 6 s1",
    "gap": "gap",
    "flatten": "flatten",
    **{name: name for name in ACTIVATIONS},
}

FAULTS = {
    "": "unknown kind",
    "cnov 1->8 k3": "unknown kind 'cnov'; known are conv,",
    "Conv 1->8 k3": "unknown kind 'Conv'",
    "sigmoid": "unknown kind",
    "log_softmax": "unknown kind",
    "conv\n1->8 k3": "unknown kind",
    "relu 0.1": "not of the form 'relu'",
    "bn 8": "not of the form 'bn'",
    "gap 2": "not of the form 'gap'",
    "conv": "not of the form 'conv IN->OUT kK",
    "conv 1->8": "not of the form",
    "conv 1-8 k3": "not of the form",
    "conv 1->8 k3 p-1": "not of the form",
    "conv 1->8 k3 s2 p1": "not of the form",  # the order is fixed, so a layer has one notation
    "conv 1->8 k3 bias=no": "not of the form",
    "conv 1->8 k3.5": "not of the form",
    "conv 1->8 k3 p1 and more": "not of the form",
    "conv 12345678->8 k3": "not of the form",
    "conv 0->8 k3": "inputs must be at least 1",
    "conv 1->0 k3": "outputs must be at least 1",
    "conv 1->8 k0": "kernel must be at least 1",
    "conv 1->8 k3 s0": "stride must be at least 1",
    "conv 8->8 k3 g0": "groups must be at least 1",
    "conv 8->9 k3 g4": "4 groups must divide 8 and 9",
    "conv 9->8 k3 g4": "4 groups must divide 9 and 8",
    "linear 0->10": "inputs must be at least 1",
    "linear 10->0": "outputs must be at least 1",
    "linear 10": "not of the form 'linear IN->OUT",
    "dropout": "not of the form 'dropout P'",
    "dropout x": "could not convert",
    "dropout 1": "not in [0, 1)",
    "dropout -0.1": "not in [0, 1)",
    "dropout nan": "not in [0, 1)",
    "dropout2d inf": "not in [0, 1)",
    "maxpool": "not of the form 'maxpool K sS'",
    "maxpool 0": "kernel must be at least 1",
    "avgpool 2 s0": "stride must be at least 1",
}

MISFITS = [
    (["conv 3->8 k3"], "layer 1 'conv 3->8 k3 p0 bias=true' gets 1 channels and declares 3"),
    (["conv 1->8 k3", "bn", "conv 9->8 k1"], "layer 3 'conv 9->8 k1 p0 bias=true' gets 8 channels"),
    (["conv 1->8 k29"], "layer 1 'conv 1->8 k29 p0 bias=true' has a 29x29 window on a 28x28 map"),
    (["maxpool 29"], "layer 1 'maxpool 29' has a 29x29 window on a 28x28 map"),
    (["gap", "avgpool 2"], "layer 2 'avgpool 2' has a 2x2 window on a 1x1 map"),
    (["linear 784->10"], "layer 1 'linear 784->10 bias=true' needs a flatten before it"),
    (["flatten", "linear 785->10"], "layer 2 'linear 785->10 bias=true' gets 784 features"),
    (["flatten", "conv 1->8 k3"], "layer 2 'conv 1->8 k3 p0 bias=true' needs a map"),
    (["flatten", "maxpool 2"], "layer 2 'maxpool 2' needs a map"),
    (["flatten", "gap"], "layer 2 'gap' needs a map"),
    (["flatten", "dropout2d 0.1"], "layer 2 'dropout2d 0.1' needs a map"),
]


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("text", CANONICAL)
def test_canonical_form(text: str):
    assert str(parse(text)) == CANONICAL[text]
    assert parse(CANONICAL[text]) == parse(text)


def test_fields():
    assert parse("conv 8->16 k5 p2 s3 g4 bias=false") == Conv(8, 16, 5, 2, 3, 4, False)
    assert parse("maxpool 3 s2") == Pool("max", 3, 2)
    assert parse("avgpool 3") == Pool("avg", 3, 3)
    assert parse("dropout2d 0.25") == Dropout(0.25, whole_channels=True)
    assert parse("linear 3->4 bias=false") == Linear(3, 4, bias=False)


@given(nets())
@examples(300)
def test_text_and_back(layers: tuple[Layer, ...]):
    for layer in layers:
        text = str(layer)
        assert parse(text) == layer
        assert str(parse(text)) == text


@pytest.mark.parametrize("text", FAULTS)
def test_what_is_no_layer(text: str):
    with pytest.raises(ValueError, match=re.escape(FAULTS[text])) as caught:
        parse(text)
    assert str(caught.value).startswith(f"layer {text!r}: ")
    assert len(str(caught.value).splitlines()) == 1


@given(st.text(max_size=30) | st.from_regex(r"(conv|linear|maxpool|dropout) [\d\->kpsgbias= .]*"))
@examples(300)
def test_any_text_is_a_layer_or_one_line(text: str):
    fault = _fault(text)
    if fault is None:
        assert parse(str(parse(text))) == parse(text)
    else:
        assert len(fault.splitlines()) == 1
        assert repr(text) in fault


def _fault(text: str) -> str | None:
    try:
        parse(text)
    except ValueError as error:
        return str(error)
    return None


@pytest.mark.parametrize(("texts", "message"), MISFITS)
def test_layers_that_do_not_fit(texts: list[str], message: str):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        notation.trace([parse(text) for text in texts])
    assert len(str(caught.value).splitlines()) == 1


def test_known_counts():
    assert parse("conv 8->16 k3 g4").params((8, 5, 5)) == 16 * 2 * 9 + 16
    assert parse("linear 20->10 bias=false").params((20,)) == 200
    assert BatchNorm().params((16, 7, 7)) == 32
    assert BatchNorm().params((20,)) == 40
    assert notation.count([parse("flatten"), parse("linear 784->10")]) == 7850


def _differences_from_torch(layers: tuple[Layer, ...]) -> list[str]:
    """Where a layer's shape or parameter count is not that of torch's module."""
    config = Config(epochs=1, layers=layers, optimizer={"kind": "sgd", "lr": 0.1})
    net = build(config).eval()
    images = torch.zeros(2, *notation.IMAGE)
    found = []
    with torch.inference_mode():
        for row, module in zip(config.trace(), net, strict=True):
            images = module(images)
            if tuple(images.shape) != (2, *row.shape):
                found.append(f"{row.layer}: {row.shape}, torch has {tuple(images.shape)}")
            params = sum(p.numel() for p in module.parameters())
            if params != row.params:
                found.append(f"{row.layer}: {row.params} parameters, torch has {params}")
    if config.params != sum(p.numel() for p in net.parameters()):
        found.append(f"{config.params} parameters in all")
    return found


@given(nets())
@examples(300)
def test_shapes_and_counts_are_torchs(layers: tuple[Layer, ...]):
    assert _differences_from_torch(layers) == []


@pytest.mark.slow
@pytest.mark.timeout(1800)
@given(nets(longest=14))
@examples(2000)
def test_shapes_and_counts_are_torchs_in_2000_nets(layers: tuple[Layer, ...]):
    assert _differences_from_torch(layers) == []


def test_floor_of_strides_and_pools():
    """Where the last window does not fit whole, it is left out."""
    texts = ["conv 1->2 k3 p0 s2", "maxpool 2", "avgpool 3 s2", "conv 2->1 k2 p3 s3"]
    shapes = [row.shape for row in notation.trace([parse(text) for text in texts])]
    assert shapes == [(2, 13, 13), (2, 6, 6), (2, 2, 2), (1, 3, 3)]
