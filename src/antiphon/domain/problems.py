"""An error as events, people and programs read it."""

from antiphon.domain.events import Problem
from antiphon.errors import AntiphonError, OverBudget


def problem_of(error: AntiphonError) -> Problem:
    return Problem(
        name=error.name,
        title=error.title,
        detail=error.detail,
        retryable=error.retryable,
        retry_after_s=error.facts.get("retry_after"),
        facts=dict(error.facts) if isinstance(error, OverBudget) else None,
    )
