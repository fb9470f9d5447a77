"""Which engine a config gets, and what holds for either of them."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from tiny import EVERYTHING, LINEAR, QUICK, RUIN, SMALL, timeless, tiny_config
from torch import Tensor

from mnist_core import memory
from mnist_core.config import Config
from mnist_core.data import Mnist
from mnist_core.engine import Choice, Wanted, choose, settle
from mnist_core.errors import UserError
from mnist_core.model import build, initial
from mnist_core.native import library
from mnist_core.record import EngineUsed
from mnist_core.result import EpochResult, NonFiniteLoss
from mnist_core.torch_engine import evaluate
from mnist_core.train import Training, train

pytestmark = pytest.mark.usefixtures("one_thread")

NOT_BUILT = "the native engine was not built: no compiler; install g++"
AVERAGED = {"averaging": {"kind": "ema", "decay": 0.9}}
HUGE = ["conv 1->900000 k3", "relu", "gap", "flatten", "linear 900000->10"]


@pytest.fixture(params=["torch", "native"])
def engine(request: pytest.FixtureRequest) -> Wanted:
    """Each engine in turn, as far as it can be had here."""
    if request.param == "native":
        _need_native()
    name: Wanted = request.param
    return name


@pytest.fixture
def native() -> None:
    _need_native()


def _need_native() -> None:
    reason = library.unavailable()
    if reason:
        pytest.skip(reason)


# --- which engine ----------------------------------------------------------------------------


class FakeLibrary:
    """One that asks for so many bytes for every net, or cannot run it (-1)."""

    def __init__(self, size: int) -> None:
        self._size = size

    def dd_bytes(self, *_: object) -> int:
        return self._size

    def dd_error(self) -> bytes:
        return b"layer 3 is beyond it"


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A machine that lacks the native engine for a reason, or has one of a FakeLibrary."""

    def set_up(missing: str | None = None, size: int = 1) -> None:
        monkeypatch.setattr(library, "unavailable", lambda *_: missing)
        monkeypatch.setattr(library, "load", lambda *_: FakeLibrary(size))

    return set_up


def test_native_comes_first(here):
    here()
    assert choose(tiny_config(), "auto", "cpu") == choose(tiny_config(), "native", "cpu")
    assert choose(tiny_config(), "auto", "cpu") == Choice("native")
    assert choose(tiny_config(), "torch", "cpu") == Choice("torch")


def test_torch_stands_in_and_the_reason_is_said(here):
    here(missing=NOT_BUILT)
    assert choose(tiny_config(), "auto", "cpu") == Choice("torch", NOT_BUILT)
    here(size=-1)
    choice = choose(tiny_config(), "auto", "cpu")
    assert choice == Choice("torch", "the native engine cannot run this net: layer 3 is beyond it")


@pytest.mark.parametrize(
    ("setting", "device", "said"),
    [
        ({"missing": NOT_BUILT}, "cpu", NOT_BUILT),
        ({"size": -1}, "cpu", "the native engine cannot run this net: layer 3 is beyond it"),
        ({}, "cuda:1", "the native engine runs on the cpu, not on cuda:1"),
    ],
)
def test_native_that_cannot_be_is_refused(here, setting, device, said):
    here(**setting)
    with pytest.raises(UserError) as refused:
        choose(tiny_config(), "native", device)
    assert str(refused.value) == f"engine native: {said}; use engine auto, or torch"


def test_whoever_wants_torch_or_a_gpu_hears_nothing_of_the_native_engine(monkeypatch):
    monkeypatch.setattr(library, "unavailable", lambda *_: pytest.fail("asked"))
    assert choose(tiny_config(), "torch", "cpu") == Choice("torch")
    assert choose(tiny_config(), "auto", "cuda") == Choice("torch")
    assert settle("auto", "cuda") == settle("torch", "cpu") == ("torch", "")


def test_what_is_the_same_for_all_trainings_is_settled_before_them(here):
    here(missing=NOT_BUILT)
    assert settle("auto", "cpu") == ("torch", f"Training on torch: {NOT_BUILT}")
    with pytest.raises(UserError, match=r"^engine native: the native engine was not built: "):
        settle("native", "cpu")
    here()
    assert settle("auto", "cpu") == ("auto", "")
    assert settle("native", "cpu") == ("native", "")


def test_a_training_remarks_on_torch_standing_in(
    here, mnist: Mnist, caplog: pytest.LogCaptureFixture
):
    here(missing=NOT_BUILT)
    assert Training(tiny_config(), mnist).remark == f"Training on torch: {NOT_BUILT}"
    assert Training(tiny_config(), mnist, engine="torch").remark == ""
    with caplog.at_level("INFO", "mnist_core"):
        train(tiny_config(), mnist)
    assert caplog.messages == [f"Training on torch: {NOT_BUILT}"]


# --- memory ----------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", ["auto", "native"])
def test_native_engine_that_takes_more_memory_than_there_is_is_refused(here, wanted):
    here(size=2**60)
    with pytest.raises(UserError, match=r"take 1,073,741,824\.0 GiB of memory, and this machine"):
        choose(tiny_config(), wanted, "cpu")


@pytest.mark.parametrize("batch", [1, 60_000])
def test_absurd_size_is_refused_in_a_line_before_memory_is_asked_for(
    engine: Wanted, mnist: Mnist, batch: int
):
    layers = [*HUGE[:2], "conv 900000->900000 k9 p4", *HUGE[2:]] if batch == 1 else HUGE
    config = tiny_config(images=60_000, layers=layers, batch_size=batch)
    said = r"^[^\n]*(memory|layer 3: more weights than can be counted)[^\n]*$"
    with pytest.raises(UserError, match=said):
        Training(config, mnist, engine=engine)
    with pytest.raises(UserError, match=r"memory"):
        Training(config, mnist)


def test_memory_that_is_not_known_refuses_nothing(monkeypatch):
    monkeypatch.setattr(memory, "physical", lambda: None)
    memory.check(2**80)


def test_every_machine_that_runs_the_tests_has_memory():
    there = memory.physical()
    assert there is None or there > 2**29
    assert memory.least(tiny_config()) < 2**24


# --- what holds for either engine ------------------------------------------------------------


def _curve(config: Config, mnist: Mnist, engine: Wanted) -> list[EpochResult]:
    return timeless(list(train(config, mnist, engine=engine)))


def _equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return list(one) == list(other) and all(torch.equal(one[name], other[name]) for name in one)


def test_the_same_config_gives_the_same_bits(mnist: Mnist, engine: Wanted):
    config = tiny_config(**EVERYTHING)
    first, second = (Training(config, mnist, engine=engine) for _ in range(2))
    assert timeless(list(first.run())) == timeless(list(second.run()))
    assert _equal(first.engine.state(), second.engine.state())


def test_trainings_side_by_side_do_not_meet(mnist: Mnist, engine: Wanted):
    one, two = tiny_config(**EVERYTHING, seed=1), tiny_config(**EVERYTHING, seed=2)
    alone = [_curve(config, mnist, engine) for config in (one, two)]
    pairs = list(zip(*(train(config, mnist, engine=engine) for config in (one, two)), strict=True))
    assert [timeless([pair[i] for pair in pairs]) for i in range(2)] == alone
    assert alone[0] != alone[1]


def test_torchs_global_generator_has_no_part_in_it(mnist: Mnist, engine: Wanted):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        before = torch.get_rng_state()
        first = _curve(tiny_config(**EVERYTHING), mnist, engine)
        assert torch.equal(torch.get_rng_state(), before)
        torch.manual_seed(2)
        assert _curve(tiny_config(**EVERYTHING), mnist, engine) == first


def test_stopping_early_is_fine(mnist: Mnist, engine: Wanted):
    whole = _curve(tiny_config(epochs=3), mnist, engine)
    running = train(tiny_config(epochs=3), mnist, engine=engine)
    assert timeless([next(running)]) == whole[:1]
    running.close()
    assert _curve(tiny_config(epochs=3), mnist, engine) == whole


def test_each_seed_is_another_training(mnist: Mnist, engine: Wanted):
    configs = [tiny_config(images=64, epochs=1, seed=seed) for seed in (0, 1, 2**63 - 1)]
    assert len({_curve(one, mnist, engine)[0].train_loss for one in configs}) == 3


def test_data_are_not_written_to(mnist: Mnist, engine: Wanted):
    before = mnist.train_images[:320].clone(), mnist.test_images[:200].clone()
    _curve(tiny_config(**EVERYTHING, epochs=1), mnist, engine)
    assert torch.equal(mnist.train_images[:320], before[0])
    assert torch.equal(mnist.test_images[:200], before[1])


def test_it_learns(mnist: Mnist, engine: Wanted):
    sgd = {"kind": "sgd", "lr": 0.02, "momentum": 0.9}
    config = tiny_config(2000, 500, batch_size=32, layers=QUICK, optimizer=sgd, **AVERAGED)
    first, second = _curve(config, mnist, engine)
    assert second.test_acc > 80
    assert second.test_loss < first.test_loss
    assert second.train_loss < first.train_loss
    assert second.train_acc > first.train_acc
    assert second.fit_acc == pytest.approx(second.test_acc, abs=15)


def test_training_begins_with_torchs_initial_net(mnist: Mnist, engine: Wanted):
    config = tiny_config(**EVERYTHING, seed=5)
    assert _equal(
        Training(config, mnist, engine=engine).engine.state(), initial(config).state_dict()
    )


@pytest.mark.parametrize("changes", [{}, AVERAGED])
def test_figures_are_those_of_the_net_that_is_handed_out(
    mnist: Mnist, engine: Wanted, changes: dict[str, Any]
):
    """Tested in slices, of which the last is smaller."""
    config = tiny_config(test=1203, **changes)
    training = Training(config, mnist, engine=engine)
    *_, last = training.run()
    net = build(config)
    net.load_state_dict(training.engine.state())
    loss, accuracy = evaluate(net, mnist.test_images[:1203], mnist.test_labels[:1203])
    assert last.test_loss == pytest.approx(loss, rel=1e-5)
    assert last.test_acc == pytest.approx(accuracy, abs=0.1)


def test_a_state_goes_from_engine_to_engine(mnist: Mnist, engine: Wanted, native: None):
    config = tiny_config(images=64, **AVERAGED)
    trained = Training(config, mnist, engine=engine)
    list(trained.run())
    state = trained.engine.state()
    for other in ("torch", "native"):
        fresh = Training(config, mnist, engine=other)
        fresh.engine.load(state)
        assert _equal(fresh.engine.state(), state)


def test_a_state_is_a_copy(mnist: Mnist, engine: Wanted):
    training = Training(tiny_config(epochs=1), mnist, engine=engine)
    before = training.engine.state()
    list(training.run())
    assert not _equal(before, training.engine.state())


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        (LINEAR, "0.weight is missing"),
        ([*SMALL[:3], "dropout 0.1", *SMALL[3:]], "4.weight is missing"),
        (["conv 1->5 k5 s2 bias=false", "bn", *SMALL[2:4], "conv 5->10 k3", *SMALL[5:]],
         r"0.weight is (5, 1, 5, 5), not (6, 1, 5, 5)"),
        (["conv 1->6 k5 s2 bias=true", *SMALL[1:]], "there is no 0.bias here"),
    ],
)  # fmt: skip
def test_weights_of_another_net_are_refused(
    mnist: Mnist, engine: Wanted, layers: list[str], said: str
):
    training = Training(tiny_config(), mnist, engine=engine)
    before = training.engine.state()
    with pytest.raises(UserError) as refused:
        training.engine.load(build(tiny_config(layers=layers)).state_dict())
    assert str(refused.value) == f"weights of another net: {said}"
    assert _equal(training.engine.state(), before)


def test_a_loss_that_is_not_finite_ends_the_training_before_the_update(
    mnist: Mnist, engine: Wanted
):
    training = Training(tiny_config(layers=LINEAR, optimizer=RUIN), mnist, engine=engine)
    said = r"^the training loss became (nan|inf) in epoch 1, batch 2$"
    with pytest.raises(NonFiniteLoss, match=said):
        list(training.run())
    assert all(tensor.isfinite().all() for tensor in training.engine.state().values())


def test_no_result_holds_a_figure_that_is_not_finite(mnist: Mnist, engine: Wanted):
    with pytest.raises(NonFiniteLoss, match=r"^the test loss became (nan|inf) after epoch 1$"):
        _curve(tiny_config(images=64, epochs=1, layers=LINEAR, optimizer=RUIN), mnist, engine)


def test_one_image_is_enough_for_a_batch_norm_on_a_map(mnist: Mnist, engine: Wanted):
    results = _curve(tiny_config(3, batch_size=1), mnist, engine)
    assert all(math.isfinite(result.train_loss) for result in results)


@pytest.mark.parametrize("kind", ["sgd", "adam", "adamw"])
def test_an_optimizer_that_is_reset_is_a_new_one(mnist: Mnist, engine: Wanted, kind: str):
    chosen = torch.arange(32)
    optimizer = {"kind": kind, "lr": 0.01, "weight_decay": 0.01}
    momentum = {"momentum": 0.9} if kind == "sgd" else {"betas": [0.8, 0.99]}
    config = tiny_config(layers=LINEAR, optimizer={**optimizer, **momentum})
    used, fresh, kept = (Training(config, mnist, engine=engine).engine for _ in range(3))
    for number in range(3):
        for one in (used, kept):
            one.step(chosen, number, 0.01, None)
    fresh.load(used.state())
    used.reset_optimizer()
    after = [(one.step(chosen, 3, 0.01, None), one.state()) for one in (used, fresh, kept)]
    assert after[0][0] == after[1][0] == after[2][0]
    assert _equal(after[0][1], after[1][1])
    assert not _equal(after[0][1], after[2][1])


@pytest.mark.parametrize(
    ("optimizer", "momentum"),
    [
        ({"kind": "sgd", "lr": 0.1, "momentum": 0.7}, 0.7),
        ({"kind": "adamw", "lr": 0.1, "betas": [0.8, 0.99]}, 0.8),
    ],
)
def test_momentum_is_the_configs_unless_it_is_moved(
    mnist: Mnist, engine: Wanted, optimizer: dict[str, Any], momentum: float
):
    config = tiny_config(layers=LINEAR, optimizer=optimizer)
    trained = []
    for moved in (None, momentum, 0.1):
        one = Training(config, mnist, engine=engine).engine
        for number in range(2):
            one.step(torch.arange(32), number, 0.01, moved)
        trained.append(one.state())
    assert _equal(trained[0], trained[1])
    assert not _equal(trained[0], trained[2])


def test_loss_dip_resets_the_optimizer(mnist: Mnist, engine: Wanted, monkeypatch):
    sgd = {"kind": "sgd", "lr": 0.5, "momentum": 0.9}
    dip = {"kind": "loss_dip", "gamma": 0.5}
    config = tiny_config(images=128, epochs=12, layers=LINEAR, optimizer=sgd, schedule=dip)
    training, resets = Training(config, mnist, engine=engine), []
    monkeypatch.setattr(training.engine, "reset_optimizer", lambda: resets.append(1))
    rates = [result.lr for result in training.run()]
    drops = sum(later < earlier for earlier, later in pairwise(rates))
    assert drops > 1
    assert drops <= len(resets) <= drops + 1  # the last may follow the last epoch


# --- the native engine beside torch's --------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"averaging": {"kind": "ema", "decay": 0.3}},
        {"label_smoothing": 0.1, "schedule": {"kind": "onecycle"}},
        {"optimizer": {"kind": "sgd", "lr": 0.05, "momentum": 0.8, "nesterov": True}},
        {"optimizer": {"kind": "adam", "lr": 0.01, "weight_decay": 0.1, "betas": [0.8, 0.99]}},
        {"optimizer": {"kind": "adamw", "lr": 0.01, "weight_decay": 0.1, "decay": "weights"}},
    ],
)
def test_both_engines_train_alike(mnist: Mnist, native: None, changes: dict[str, Any]):
    """Without augmentation and dropout, whose numbers each draws for itself: the same batches, from
    the same weights, with the same counts."""
    ours, theirs = (Training(tiny_config(**changes), mnist, engine=e) for e in ("native", "torch"))
    for our, their in zip(ours.run(), theirs.run(), strict=True):
        assert our.train_loss == pytest.approx(their.train_loss, rel=1e-3)
        assert our.test_loss == pytest.approx(their.test_loss, rel=1e-3)
        assert our.lr == their.lr
    state, expected = ours.engine.state(), theirs.engine.state()
    assert list(state) == list(expected)
    for name, tensor in state.items():
        assert (tensor.dtype, tensor.shape) == (expected[name].dtype, expected[name].shape)
        assert torch.allclose(tensor, expected[name], rtol=0.02, atol=2e-3), name
    assert state["1.num_batches_tracked"] == expected["1.num_batches_tracked"]


def test_what_an_engine_says_of_itself(mnist: Mnist, engine: Wanted):
    used = Training(tiny_config(), mnist, engine=engine).engine.used
    assert used.name == engine
    if engine == "torch":
        assert used == EngineUsed()
        assert str(used) == "torch"
    else:
        assert used.version == library.VERSION
        assert used.instruction_set in library.INSTRUCTION_SETS
        assert used.compiler
        assert str(used) == f"native {used.version} ({used.instruction_set}, {used.compiler})"
