"""Counts and figures in words, as a person would say them."""

from collections.abc import Iterable
from decimal import Decimal

_SEVERAL = {"is": "are", "was": "were", "has": "have"}
_ENDINGS = {1: "st", 2: "nd", 3: "rd"}
_DIGITS = 9  # decimals; what is nearer to a mark than that is a mean's rounding


def of(count: int, what: str) -> str:
    """`1 trial`, `3 trials`."""
    return f"{count} {what}{'s' * (count != 1)}"


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `11th`."""
    ending = "th" if number % 100 in (11, 12, 13) else _ENDINGS.get(number % 10, "th")
    return f"{number}{ending}"


def part(some: int, whole: int, what: str) -> str:
    """`1 of 1 trial`, `1 of 3 trials`; `4 trials (2 wanted)` where there are more than that."""
    return f"{some} of {of(whole, what)}" if some <= whole else f"{of(some, what)} ({whole} wanted)"


def last(count: int, what: str) -> str:
    """`last 5 epochs`, `last epoch`."""
    return f"last {what}" if count == 1 else f"last {of(count, what)}"


def exact(number: float) -> str:
    """With all the decimals that it has, two at least: `99.40`, `99.454`."""
    decimal = Decimal(repr(number))
    return f"{decimal:.{max(2, -int(decimal.as_tuple().exponent))}f}"


def beside(number: float, *marks: float, digits: int = 2) -> str:
    """With so many decimals, or as many more as it takes to be seen on its own side of each mark:
    99.396 is not shown as the 99.40 that it misses."""
    for more in range(digits, _DIGITS + 1):
        shown = f"{number:.{more}f}"
        if all((float(shown) >= mark) == (number >= mark) for mark in marks):
            return shown
    return f"{number:.{digits}f}"


def apart(one: float, other: float) -> tuple[str, str]:
    """Both, with two decimals or as many more as it takes to see whether the first is larger."""
    for more in range(2, _DIGITS + 1):
        shown = f"{one:.{more}f}", f"{other:.{more}f}"
        if (float(shown[0]) > float(shown[1])) == (one > other):
            return shown
    return f"{one:.2f}", f"{other:.2f}"


def percent(accuracy: float | None, *marks: float, digits: int = 2) -> str:
    """An accuracy, beside 100 and the goal it is judged by; nothing where it is not known."""
    return "" if accuracy is None else beside(accuracy, 100.0, *marks, digits=digits)


def accuracies(values: Iterable[float], *marks: float) -> str:
    """Several, as `percent`."""
    return " ".join(percent(value, *marks) for value in values)


def does(count: int, verb: str) -> str:
    """What so many do, where one `verb`: `1 of them holds`, `2 of them hold`."""
    return verb if count == 1 else _SEVERAL.get(verb, verb.removesuffix("s"))
