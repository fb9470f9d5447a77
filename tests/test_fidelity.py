"""The table of cheap and whole trainings: what is in it is what was wanted, and it goes on."""

from pathlib import Path

import fakes
import fidelity
import pytest
from fidelity import FIDELITIES, annealed, configs, held_out, ledger, wanted

from mnist_core.config import Config, Ema
from mnist_core.schedule import Step, epoch_factors


def test_every_training_of_the_ledger_was_wanted_and_none_is_there_twice() -> None:
    done = ledger()
    keys = [line.key for line in done]
    assert len(set(keys)) == len(keys) > 0
    assert set(keys) <= {one.key for one in wanted(configs(), done)}
    assert all(len(line.test_acc) == line.epochs for line in done)
    assert all(0 <= accuracy <= 100 for line in done for accuracy in line.test_acc)


def test_the_table_has_180_configs_and_a_second_seed_of_every_third() -> None:
    known = configs()
    assert len(known) == 180
    assert all(config.params < fidelity.GOAL.params for config in known.values())
    trainings = list(wanted(known, []))
    assert len(trainings) == (180 + 60) * len(FIDELITIES)
    assert len({one.trained.seed for one in trainings}) == len(trainings)


def test_a_config_never_changes_sides() -> None:
    sides = {name: held_out(name) for name in configs()}
    assert [name for name, out in sides.items() if out][:4] == [
        "5b782cbd8f7e507d",
        "4f815ceac81e55a3",
        "dcb63f6ea868e938",
        "c0e428084ce605b2",
    ]
    assert [name for name, out in sides.items() if not out][:4] == [
        "497875f237caf8e5",
        "5ca555ed3d66dee7",
        "eded05ea285af8fb",
        "3d6056ee209b29d5",
    ]
    assert sum(sides.values()) == 82
    assert sum(list(sides.values())[::3]) == 30  # of those of two seeds


def test_it_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = dict(list(configs().items())[:2])
    monkeypatch.setattr(fidelity, "configs", lambda: few)
    monkeypatch.setattr(fidelity, "SEEDS", 3)
    path = tmp_path / "ledger.jsonl"
    assert fidelity.go_on(path, 1, fakes.quick) == 15
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:10]))
    assert fidelity.go_on(path, 1, fakes.quick) == 5 + 6  # the finalists are known now
    assert fidelity.go_on(path, 1, fakes.quick) == 0
    assert len({line.key for line in ledger(path)}) == 21


@pytest.mark.parametrize(("epochs", "images"), FIDELITIES[1:])
def test_an_annealed_training_comes_to_the_end_of_its_schedule(epochs: int, images: int) -> None:
    for config in list(configs().values())[:40]:
        short = annealed(config, epochs, images)
        assert (short.epochs, short.data.train) == (epochs, images)
        last = [epoch_factors(one.schedule, one.epochs, one.batches)[-1] for one in (config, short)]
        if not isinstance(config.schedule, Step):
            assert last[1] == pytest.approx(last[0], abs=0.02)


def test_what_is_a_length_keeps_its_share() -> None:
    base = next(iter(configs().values()))
    step = Step(size=6, gamma=0.5)
    config = Config.model_validate({**dict(base), "schedule": step, "averaging": Ema(decay=0.999)})
    short = annealed(config, 5, 60_000)
    assert short.schedule == Step(per="batch", size=2 * 469, gamma=0.5)
    assert short.averaging.decay == pytest.approx(1 - 3 / 1000)
