"""What a person has noted of a study, in words of their own: kept with it, and never rewritten."""

from mnist_core.errors import UserError
from search.study.study import Study

_MEMO = "drilldown:memo"
_LONGEST = 10_000  # signs


def of(study: Study) -> str:
    """Empty where nothing was noted."""
    kept = study.kept(_MEMO)
    return kept if isinstance(kept, str) else ""


def write(study: Study, text: str) -> None:
    """Note this instead of what was noted before; nothing where it is empty.

    Raises UserError where it is too long, or drilldown never launched the study.
    """
    study.goal  # noqa: B018 - refuses another program's
    if len(text) > _LONGEST:
        raise UserError(f"TEXT: has {len(text):,} signs; at most {_LONGEST:,} are kept")
    study.keep(_MEMO, text)
