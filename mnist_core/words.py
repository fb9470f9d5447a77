"""Counts in words, as a person would say them."""


def of(count: int, what: str) -> str:
    """`1 trial`, `3 trials`."""
    return f"{count} {what}{'s' * (count != 1)}"


def part(some: int, whole: int, what: str) -> str:
    """`1 of 1 trial`, `1 of 3 trials`."""
    return f"{some} of {of(whole, what)}"


def last(count: int, what: str) -> str:
    """`last 5 epochs`, `last epoch`."""
    return f"last {what}" if count == 1 else f"last {of(count, what)}"
