"""The files of the fifty experiments say what their authors ran, and what they came to.

test_seeds_nets.py, test_seeds_augmentation.py and test_seeds_rates.py compare them with programs of
torch's and torchvision's own parts, so that nothing is approximated without a word.
"""

import hashlib
import json
import tomllib

from click.testing import CliRunner
from notebooks import CONSTANT, FOLDER, PARAMS, REDUCED, SEEDS, UNCOUNTED

from mnist_core import record
from mnist_core.config import Data, NoAveraging, Sgd
from search import cli


def test_there_are_fifty():
    assert len(SEEDS) == 50
    assert SEEDS.keys() == PARAMS.keys()


def test_parameters_are_those_of_the_notebook():
    """The authors of Net4 print 9,972 for a net that has 9,977, by arithmetic and in torch."""
    for name, params in PARAMS.items():
        printed = None if name in UNCOUNTED else 9972 if params == 9977 else params
        assert (SEEDS[name].config.params, _reported(name).params) == (params, printed), name


def test_curves_are_whole():
    for name, seed in SEEDS.items():
        epochs = {"000": 20, "002": 16}.get(name[:3], 19 if name == "004-exp1" else 15)
        curves = _reported(name).test_acc, _reported(name).train_acc
        assert [seed.config.epochs, len(curves[0])] == [epochs, epochs], name
        assert len(curves[1]) == (0 if name == "004-exp1" else epochs), name  # it prints none


def test_what_no_experiment_varies():
    for name, seed in SEEDS.items():
        config = seed.config
        assert (config.batch_size, config.data) == (128, Data(train=60_000, test=10_000)), name
        assert (config.label_smoothing, config.averaging) == (0, NoAveraging()), name
        momentum = 0.8 if name == "003-f3" else 0.9
        assert config.optimizer == Sgd(lr=config.optimizer.lr, momentum=momentum), name


def test_nothing_has_changed_since_all_was_compared_with_the_notebooks():
    """Layer by layer, figure by figure. Who corrects a file compares it again, and says so here."""
    compared = hashlib.sha256()
    for name, seed in SEEDS.items():
        facts = [name, {**seed.config.to_dict(), "seed": None}]
        facts += [_reported(name).test_acc, _reported(name).train_acc]
        compared.update(json.dumps(facts, sort_keys=True).encode())
    assert (
        compared.hexdigest() == "561df4758fe45a2de0c9aef4ca3598ab996b4f92319a37475fef2213909a48f0"
    )


def test_runs_of_one_recipe_differ_in_their_seed():
    """The 19 skeletons ran one after another, without seeding again."""
    assert len({SEEDS[name].config.seed for name in CONSTANT + REDUCED}) == 19
    assert len({SEEDS[name].config for name in SEEDS}) == 50


def test_there_and_back():
    """And a file spells out every field of its config: no default can change it."""
    for name, seed in SEEDS.items():
        again = tomllib.loads(seed.to_toml())
        assert record.Record.from_dict(again) == seed, name
        values = tomllib.loads((FOLDER / f"{name}.toml").read_text())
        assert {**values, "reported": None} == {**seed.config.to_dict(), "reported": None}, name
        assert {"train_acc": [], **values["reported"]} == again["reported"], name


def test_count_says_the_same():
    for name, params in PARAMS.items():
        done = CliRunner().invoke(cli.cli, ["count", str(FOLDER / f"{name}.toml")])
        assert done.exit_code == 0, done.output
        assert done.output.splitlines()[-1].split() == ["total", f"{params:,}"], name


def _reported(name: str) -> record.Reported:
    reported = SEEDS[name].reported
    assert reported is not None
    return reported
