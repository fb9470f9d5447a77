"""The space of a stage: what it varies, what it leaves as the base has it, what it refuses."""

import random

import pytest
from test_spaces import sampled

from mnist_core.config import Adam, Config, Data, Ema, Sgd
from mnist_core.layers import Dropout, parse
from mnist_core.schedule import OneCycle, Step, epoch_factors
from spaces import Frame, SpaceError, around, free
from spaces.catalogue import CATALOGUE, all_dimensions, augmentation_strength, lives
from spaces.edit import with_dropout

FRAME = Frame(10_000, 15)
PLAIN = free.plain(FRAME)
STEPPED = Config.from_dict(
    {**PLAIN.to_dict(), "schedule": {"kind": "step", "size": 3, "gamma": 0.5}}
)
FOREIGN = Config(
    epochs=4,
    layers=("conv 1->10 k5", "relu", "maxpool 2", "flatten", "linear 1440->10"),
    optimizer=Adam(kind="adam", lr=0.001),
)


def _space(vary, fix=None, bases=None, frame=FRAME):
    return around.make(bases or {"plain": PLAIN}, frame, vary, fix or {}, "stage.2")


def _differing(config: Config, base: Config) -> set[str]:
    return {name for name in Config.model_fields if getattr(config, name) != getattr(base, name)}


@pytest.mark.parametrize(
    ("dimension", "parts"),
    [
        ("lr", {"optimizer"}),
        ("momentum", {"optimizer"}),
        ("weight_decay", {"optimizer"}),
        ("batch_size", {"batch_size"}),
        ("label_smoothing", {"label_smoothing"}),
        ("dropout", {"layers"}),
        ("activation", {"layers"}),
        ("widths", {"layers"}),
        ("augmentation", {"augment"}),
        ("warmup", {"schedule"}),
        ("averaging", {"averaging"}),
    ],
)
def test_a_dimension_changes_its_part_and_no_other(dimension, parts):
    space = _space({dimension: "all"})
    rng = random.Random(3)
    found = [_differing(space.config(sampled(space, rng), PLAIN.seed), PLAIN) for _ in range(20)]
    assert set().union(*found) == parts


KINDS = {
    "schedule": [
        {"kind": "none"},
        {"kind": "step", "size": 3, "gamma": 0.5},
        {"kind": "multistep", "milestones": (2,), "gamma": 0.5},
        {"kind": "cosine"},
        {"kind": "linear"},
        {"kind": "onecycle"},
        {"kind": "loss_dip"},
    ],
    "averaging": [{"kind": "none"}, {"kind": "ema", "decay": 0.9}],
}
NEEDING = [name for name, entry in CATALOGUE.items() if isinstance(entry.needs, tuple)]


@pytest.mark.parametrize("name", NEEDING)
def test_a_dimension_changes_a_config_where_it_is_not_idle(name):
    """Momentum apart, which OneCycle overrides without a trace in the config."""
    entry, kind = CATALOGUE[name], all_dimensions(FRAME)[name]
    part, kinds = entry.needs
    bases = [Config.from_dict({**PLAIN.to_dict(), part: table}) for table in KINDS[part]]
    acting = {
        getattr(base, part).kind
        for base in bases
        if entry.change(base, kind.low) != entry.change(base, kind.high)
    }
    assert acting == set(kinds)


def test_the_frame_and_the_seed_are_set():
    frame = Frame(10_000, 3, Data(train=500, test=100))
    config = _space({"lr": "all"}, frame=frame).config({"lr": 0.3}, 17)
    assert (config.epochs, config.data, config.seed) == (3, frame.data, 17)
    assert config.optimizer.lr == 0.3


BY_BATCH = {
    "step": {"kind": "step", "per": "batch", "size": 938, "gamma": 0.1},
    "multistep": {"kind": "multistep", "per": "batch", "milestones": (469, 1407), "gamma": 0.1},
}
"""In batches of 128, of which 60,000 images make 469."""


def _ends(config: Config) -> list[float]:
    return epoch_factors(config.schedule, config.epochs, config.batches)


def test_a_step_size_is_in_epochs_whatever_the_base_counts_in():
    base = Config.from_dict({**PLAIN.to_dict(), "schedule": BY_BATCH["step"]})
    found = _space({"step_size": "all"}, bases={"base": base}).config({"step_size": 4}, 0)
    assert found.schedule == Step(per="batch", size=4 * 469, gamma=0.1)
    by_epoch = found.changed(schedule=Step(size=4, gamma=0.1))
    assert _ends(found) == pytest.approx(_ends(by_epoch))


@pytest.mark.parametrize("kind", BY_BATCH)
@pytest.mark.parametrize("size", [32, 128, 512])
@pytest.mark.parametrize("images", [60_000, 10_000])
def test_what_is_counted_in_batches_keeps_its_epochs(kind: str, size: int, images: int):
    base = Config.from_dict({**PLAIN.to_dict(), "schedule": BY_BATCH[kind]})
    frame = Frame(10_000, 15, Data(train=images))
    space = _space({"batch_size": "all"}, bases={"base": base}, frame=frame)
    found = space.config({"batch_size": size}, 0)
    assert (found.batch_size, found.data.train) == (size, images)
    assert _ends(found) == pytest.approx(_ends(base))


def test_a_step_size_and_a_batch_size_at_once():
    base = Config.from_dict({**PLAIN.to_dict(), "schedule": BY_BATCH["step"]})
    space = _space({"batch_size": "all", "step_size": "all"}, bases={"base": base})
    found = space.config({"batch_size": 64, "step_size": 2}, 0)
    assert found.schedule == Step(per="batch", size=2 * 938, gamma=0.1)


def test_of_several_bases_a_sample_says_which():
    space = _space({"dropout": "all"}, bases={"a": PLAIN, "b": STEPPED})
    assert space.dimensions["base"].choices == ("a", "b")
    schedules = [space.config({"base": base, "dropout": 0.1}, 0).schedule.kind for base in "ab"]
    assert schedules == ["linear", "step"]


def test_every_sample_fits_the_budget():
    space = _space({"layout": "all", "widths": "all", "width_2": [0.9, 1.0], "activation": "all"})
    assert (space.dimensions["width_2"].low, space.dimensions["width_1"].low) == (0.9, 0.0)
    rng = random.Random(1)
    counts = [space.config(sampled(space, rng), 0).params for _ in range(200)]
    assert 9_000 < max(counts) < 10_000


def test_a_new_net_keeps_activation_and_dropout_of_its_base():
    base = PLAIN.model_copy(
        update={
            "layers": with_dropout(_space({}, {"activation": "silu"}).config({}, 0).layers, 0.03)
        }
    )
    space = _space({"widths": "all"}, bases={"base": base})
    layers = [str(layer) for layer in space.config(sampled(space, random.Random(2)), 0).layers]
    assert "silu" in layers
    assert "relu" not in layers
    assert layers.count("dropout 0.03") == 6


def test_fixed_values_are_in_every_sample():
    config = _space({"lr": "all"}, {"averaging": "ema", "average_over": 100}).config({"lr": 1.0}, 0)
    assert config.averaging.decay == pytest.approx(0.99)


def test_dropout_on_any_net():
    layers = tuple(map(parse, ("conv 1->2 k3", "relu", "maxpool 2", "conv 2->3 k3", "bn", "gap")))
    placed = [str(layer) for layer in with_dropout(layers, 0.1)]
    assert placed == [
        "conv 1->2 k3 p0 bias=true",
        "relu",
        "dropout 0.1",
        "maxpool 2",
        "conv 2->3 k3 p0 bias=true",
        "bn",
        "gap",
    ]
    there = (*layers[:1], Dropout(0.5, True), *layers[1:])
    assert with_dropout(there, 0.2) == (*layers[:1], Dropout(0.2, True), *layers[1:])
    assert with_dropout(there, 0.0) == with_dropout(layers, 0.0) == layers


@pytest.mark.parametrize(
    ("vary", "fix", "bases", "message"),
    [
        ({"drop": "all"}, {}, None, "stage.2.vary: a stage has no dimension 'drop'; did you"),
        ({"lr": "all"}, {"lr": 0.1}, None, "stage.2.fix.lr: is in stage.2.vary too"),
        ({"lr": [5, 6]}, {}, None, "stage.2.vary.lr: must be a number from 0.02 to 1.0, not 5"),
        ({"gamma": "all"}, {}, None, "stage.2.vary.gamma: does nothing where schedule is 'linear'"),
        ({"average_over": "all"}, {}, None, "stage.2.vary.average_over: does nothing where"),
        ({"width_3": "all"}, {}, None, "vary: a stage has no width_3; all widths together are `w"),
        (
            {"widths": "all", "width_1": "all"},
            {},
            None,
            "stage.2.vary: a stage has no width_1; all",
        ),
        ({"layout": "all"}, {}, None, "stage.2.vary: another net needs widths"),
        ({}, {"layout": "squeeze"}, None, "stage.2.vary: another net needs widths"),
        ({"momentum": "all"}, {}, {"adam": FOREIGN}, "adam is trained by adam, which has none"),
        ({"widths": "all"}, {}, {"five": FOREIGN}, "stage.2.vary.widths: five: a net that is of"),
    ],
)
def test_nonsense_is_refused_by_name(vary, fix, bases, message):
    with pytest.raises(SpaceError, match=r"^[^\n]+$") as refused:
        _space(vary, fix, bases, Frame(20_000, 15))
    assert message in str(refused.value)


def test_a_base_must_be_under_the_budget():
    with pytest.raises(SpaceError, match=r"base: five has 14,670 parameters, and the goal wants"):
        _space({"lr": "all"}, bases={"five": FOREIGN})


@pytest.mark.parametrize(
    ("dimension", "schedule", "idle"),
    [
        ("momentum", {"kind": "onecycle"}, True),
        ("momentum", {"kind": "onecycle", "cycle_momentum": False}, False),
        ("momentum", {"kind": "step", "size": 2, "gamma": 0.5}, False),
        ("gamma", {"kind": "multistep", "milestones": (2,), "gamma": 0.5}, False),
        ("gamma", {"kind": "loss_dip"}, False),
        ("gamma", {"kind": "cosine"}, True),
    ],
)
def test_what_a_bases_schedule_has_no_use_for_is_refused(dimension, schedule, idle):
    base = Config.from_dict({**PLAIN.to_dict(), "schedule": schedule})
    if idle:
        with pytest.raises(SpaceError, match="does nothing where schedule is"):
            _space({dimension: "all"}, bases={"base": base})
    else:
        assert dimension in _space({dimension: "all"}, bases={"base": base}).dimensions


SMALL_BATCH = Config(
    epochs=4,
    layers=("conv 1->8 k3", "relu", "gap", "bn", "flatten", "linear 8->10"),
    optimizer=Sgd(lr=0.1),
)
"""A batch norm on a map of one pixel: no batch of one image can be trained on."""


@pytest.mark.parametrize(
    ("vary", "fix", "images", "message"),
    [
        (
            {"lr": "all"},
            {},
            129,
            "base: base: layers: layer 4 'bn' sees a single value of each channel",
        ),
        (
            {"batch_size": "all"},
            {},
            33,
            "stage.2.vary.batch_size: 32: base: layers: layer 4 'bn' sees",
        ),
        (
            {"batch_size": [64, 512]},
            {},
            449,
            "stage.2.vary.batch_size: 64: base: layers: layer 4 'bn'",
        ),
        (
            {"lr": "all"},
            {"batch_size": 32},
            65,
            "stage.2.fix.batch_size: 32: base: layers: layer 4",
        ),
    ],
)
def test_a_batch_that_cannot_be_trained_on_is_refused_before_the_stage(vary, fix, images, message):
    frame = Frame(10_000, 4, Data(train=images, test=100))
    with pytest.raises(SpaceError, match=r"^[^\n]+; change batch_size or data.train$") as refused:
        _space(vary, fix, {"base": SMALL_BATCH}, frame)
    assert str(refused.value).startswith(message)


def test_momentum_does_something_where_a_base_keeps_it_through_onecycle():
    base = PLAIN.changed(schedule=OneCycle(cycle_momentum=False))
    space = _space({"momentum": "all"}, bases={"base": base})
    assert space.config({"momentum": 0.5}, 0).optimizer.momentum == 0.5
    schedules = ["onecycle", "linear"]
    varied = _space({"momentum": "all", "schedule": schedules}, bases={"base": base})
    assert "onecycle" in varied.switches["momentum"][1]
    cycled = _space({"momentum": "all", "schedule": schedules})
    assert "onecycle" not in cycled.switches["momentum"][1]


def test_widths_of_a_net_that_would_change_otherwise_too_are_refused():
    """Its pattern is ours, but it has biases, and no batch norm."""
    layers = [str(layer).replace("bias=false", "bias=true") for layer in PLAIN.layers]
    biased = Config.from_dict({**PLAIN.to_dict(), "layers": layers})
    bare = [line for line in map(str, PLAIN.layers) if line != "bn"]
    for base in (biased, Config.from_dict({**PLAIN.to_dict(), "layers": bare})):
        with pytest.raises(SpaceError, match="no layout of ours"):
            _space({"widths": "all"}, bases={"base": base}, frame=Frame(20_000, 15))


def test_a_net_without_activation_can_get_another_one():
    layers = ["conv 1->2 k3", "gap", "flatten", "linear 2->10"]
    base = Config.from_dict({**PLAIN.to_dict(), "layers": layers})
    space = _space({"widths": "all", "layout": "all"}, bases={"base": base})
    assert space.config(sampled(space, random.Random(1)), 0).params < 10_000


def test_what_only_some_bases_have_no_use_for_is_kept():
    space = _space({"gamma": "all"}, bases={"a": PLAIN, "b": STEPPED})
    assert "gamma" in space.dimensions


def test_the_fingerprint_knows_the_bases():
    spaces = [_space({"lr": "all"}, bases={"x": base}) for base in (PLAIN, STEPPED)]
    assert spaces[0].fingerprint() != spaces[1].fingerprint()
    longer = PLAIN.model_copy(update={"epochs": 99, "seed": 5})
    assert _space({"lr": "all"}, bases={"x": longer}).fingerprint() == (
        _space({"lr": "all"}, bases={"x": PLAIN}).fingerprint()
    )


@pytest.mark.parametrize(
    ("name", "part", "alive", "idle"),
    [
        ("average_over", "averaging", [{"kind": "ema", "decay": 0.9}], [{"kind": "none"}]),
        (
            "gamma",
            "schedule",
            [
                {"kind": "step", "size": 14, "gamma": 0.5},
                {"kind": "multistep", "milestones": (14,), "gamma": 0.5},
                {"kind": "step", "per": "batch", "size": 469 * 15 - 1, "gamma": 0.5},
                {"kind": "loss_dip"},
            ],
            [
                {"kind": "linear"},
                {"kind": "step", "size": 15, "gamma": 0.5},  # the first comes when all is over
                {"kind": "multistep", "milestones": (15, 20), "gamma": 0.5},
                {"kind": "step", "per": "batch", "size": 469 * 15, "gamma": 0.5},
            ],
        ),
        ("step_size", "schedule", [{"kind": "step", "size": 20, "gamma": 0.5}], [{"kind": "none"}]),
        (
            "warmup",
            "schedule",
            [{"kind": "linear"}, {"kind": "cosine"}, {"kind": "onecycle", "rise": 0.3}],
            [{"kind": "step", "size": 1, "gamma": 0.5}, {"kind": "none"}, {"kind": "loss_dip"}],
        ),
        (
            "momentum",
            "schedule",
            [{"kind": "linear"}, {"kind": "onecycle", "rise": 0.3, "cycle_momentum": False}],
            [{"kind": "onecycle", "rise": 0.3}],
        ),
        ("dropout", "layers", [PLAIN.to_dict()["layers"]], [FOREIGN.to_dict()["layers"]]),
        (
            "activation",
            "layers",
            [PLAIN.to_dict()["layers"], FOREIGN.to_dict()["layers"]],
            [["flatten", "linear 784->10"]],
        ),
        ("momentum", "optimizer", [{"kind": "sgd", "lr": 0.1}], [{"kind": "adam", "lr": 0.1}]),
        ("lr", "schedule", [{"kind": "none"}], []),
        ("base", "schedule", [{"kind": "none"}], []),
    ],
)
def test_where_a_dimension_does_nothing(name, part, alive, idle):
    for values, expected in ((alive, True), (idle, False)):
        for value in values:
            config = Config.from_dict({**PLAIN.to_dict(), part: value})
            assert lives(name, config) == expected, value


_CONFIGS = (
    PLAIN,
    STEPPED,
    FOREIGN,
    PLAIN.changed(schedule=OneCycle(rise=0.3)),
    PLAIN.changed(averaging=Ema(decay=0.9)),
)


def test_every_dimension_that_lives_changes_a_config_and_no_idle_one_does():
    """But for the momentum that a config states and OneCycle overrules."""
    dimensions = all_dimensions(FRAME)
    for config in _CONFIGS:
        for name, entry in CATALOGUE.items():
            if entry.change is None or (
                name == "momentum" and not isinstance(config.optimizer, Sgd)
            ):
                continue
            kind = dimensions[name]
            ends = kind.choices[:2] if hasattr(kind, "choices") else (kind.low, kind.high)
            low, high = (entry.change(config, end) for end in ends)
            led = name == "momentum" and isinstance(config.schedule, OneCycle)
            assert lives(name, config) == (low != high and not led), (name, config.schedule)


@pytest.mark.parametrize("strength", [0.0, 0.3, 1.0, 2.0])
def test_the_strength_of_an_augmentation(strength):
    config = CATALOGUE["augmentation"].change(PLAIN, strength)
    assert augmentation_strength(config) == pytest.approx(strength)
    assert bool(augmentation_strength(config)) == bool(strength)


@pytest.mark.parametrize(
    ("augment", "strength"),
    [
        ([], 0),
        ([{"kind": "rotation", "degrees": 0.0}, {"kind": "jitter"}, {"kind": "affine"}], 0),
        ([{"kind": "rotation", "degrees": 7.0}], 0.875),
        ([{"kind": "affine", "translate": (0.0, 3 / 28)}], 2),
        ([{"kind": "affine", "scale": (0.92, 1.0)}, {"kind": "rotation", "degrees": 4.0}], 1),
        ([{"kind": "jitter", "contrast": 0.4}], 0.4),
    ],
)
def test_the_strength_of_other_augmentations(augment, strength):
    config = Config.from_dict({**PLAIN.to_dict(), "augment": augment})
    assert augmentation_strength(config) == pytest.approx(strength)
