"""The fifty experiments of the five write-ups, and what their authors printed of them."""

import tomllib
from pathlib import Path

from mnist_core import record

FOLDER = Path(__file__).parents[1] / "studies" / "seeds"
SEEDS = {path.stem: record.load(path) for path in sorted(FOLDER.glob("*.toml"))}
TEXTS = {name: tomllib.loads((FOLDER / f"{name}.toml").read_text())["layers"] for name in SEEDS}

REDUCED = [f"003-f1-reduce-lr0.0{n}" for n in range(1, 6)]
CONSTANT = [f"003-f1-const-lr{n / 1000:g}" for n in (6, 7, 8, 9, *range(10, 60, 5))]
BY_PARAMS = {
    7922: "000-file1-net1 000-file1-net2 000-file1-net3 000-file2-net1 000-file3-a-net1 "
    "000-file3-c-net1 000-file3-d-net1",
    9977: "000-file1-net4 000-file2-net4 000-file3-b-net4 000-file3-e-net4",
    7918: "000-file1-net5",
    7910: "000-file1-net6",
    7864: "001-code1",
    8016: "001-code2 001-code3 001-code4",
    13590: "002-step1",
    13730: "002-step2 002-step3",
    5422: "002-step4",
    7758: "002-step5",
    8892: " ".join(CONSTANT + REDUCED),
    9780: "003-f2",
    9680: "003-f3",
    6379786: "004-exp1",
    4572: "004-exp2",
    4652: "004-exp3",
    4708: "004-exp4",
    6124: "004-exp5 004-exp6",
    7364: "004-exp7",
}
PARAMS = {name: params for params, names in BY_PARAMS.items() for name in names.split()}
UNCOUNTED = {"000-file1-net2", "000-file1-net3"}
"""Their authors wrote down no number of parameters."""
