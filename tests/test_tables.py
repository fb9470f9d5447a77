"""Tables for programs: nothing is rounded, and nothing is turned into something else."""

import csv
import io
import json
import random
from typing import Any

import pytest

from search.text.console import records

FIELDS = ["trial", "score", "holds", "reason", "params", "test_acc"]
CHANCE = random.Random(1)
ROWS = [
    {
        "trial": number,
        "score": CHANCE.uniform(0, 100) if number % 3 else None,
        "holds": number % 2 == 0,
        "reason": CHANCE.choice(["", "a, b", 'said "no"', "two\nlines", "None", "0.10"]),
        "params": CHANCE.randrange(10**17) if number % 4 else None,
        "test_acc": [CHANCE.uniform(0, 100) for _ in range(number % 5)],
    }
    for number in range(300)
]


@pytest.mark.parametrize("rows", [ROWS, ROWS[:1], []], ids=len)
def test_csv_is_that_of_the_values_themselves(rows: list[dict[str, Any]]):
    text = io.StringIO()
    writer = csv.DictWriter(text, FIELDS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    assert records(rows, FIELDS, "csv") == text.getvalue().removesuffix("\n")


@pytest.mark.parametrize("rows", [ROWS, ROWS[:1], []], ids=len)
def test_json_is_that_of_the_values_themselves(rows: list[dict[str, Any]]):
    assert records(rows, FIELDS, "json") == json.dumps(rows, indent=2)
