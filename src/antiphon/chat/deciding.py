"""Who says whether a tool may run, as a program gives it: a function of its own, or nobody."""

import inspect
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

from antiphon.domain.approvals import Decision, Deny
from antiphon.domain.events import ApprovalRequest
from antiphon.tools.threads import Threads

Approver: TypeAlias = Callable[[ApprovalRequest], Decision | Awaitable[Decision]]
"""Says whether a tool may run."""

NOBODY_ASKED = Deny("This program has nobody to ask, so tools that need approval do not run in it.")


def deciding(approve: Approver | None) -> Callable[[ApprovalRequest], Awaitable[Decision]]:
    """Ask it; an ordinary function in a thread."""
    threads = Threads("approve")

    async def decide(request: ApprovalRequest) -> Decision:
        if approve is None:
            return NOBODY_ASKED
        if inspect.iscoroutinefunction(approve):
            said: Decision | Awaitable[Decision] = approve(request)
        else:
            said = await threads.run(partial(approve, request))
        return await said if isinstance(said, Awaitable) else said

    return decide
