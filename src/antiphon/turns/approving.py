"""Tool uses that a person must allow: what is asked, what was said of it, and what Claude is told. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import msgspec

from antiphon.domain import events as e
from antiphon.domain.ids import new_approval_id
from antiphon.domain.messages import Block, text_block
from antiphon.stores.frames import Frame, decode
from antiphon.tools.results import bounded
from antiphon.tools.toolbox import ToolResult, failed

STOPPED = "The answer was stopped."
NOTED_CHARS = 20_000
"""Of an input that a person gave, so that the result has room beside it."""


@dataclass(frozen=True, slots=True)
class Permission:
    """What a tool use has asked for, and what was decided; None as long as nothing was."""

    request: e.ApprovalRequest
    resolve: e.ApprovalResolve | None = None

    @property
    def granted(self) -> bool:
        return self.resolve is not None and self.resolve.decision in ("allow", "edit")


def permissions_in(frames: Iterable[Frame]) -> tuple[Permission, ...]:
    """All that the turn of these frames has asked for, in order."""
    found: dict[str, Permission] = {}
    for frame in frames:
        if frame.type not in (e.ApprovalRequest.type, e.ApprovalResolve.type):
            continue
        match decode(frame):
            case e.ApprovalRequest() as request:
                found[request.approval_id] = Permission(request)
            case e.ApprovalResolve() as resolve if resolve.approval_id in found:
                found[resolve.approval_id] = replace(found[resolve.approval_id], resolve=resolve)
            case _:
                pass
    return tuple(found.values())


def request_for(use: Block, conversation_id: str, step: int, at: int, wait_s: float) -> e.ApprovalRequest:
    """Ask whether a tool use may run. `at` is in milliseconds, `wait_s` in seconds."""
    return e.ApprovalRequest(
        at=at,
        approval_id=new_approval_id(conversation_id),
        step=step,
        tool_use_id=use["id"],
        name=str(use.get("name", "")),
        input=use.get("input"),
        expires_at=at + round(wait_s * 1000),
    )


def expired(permission: Permission, at: int) -> Permission:
    """Nobody has said anything in time."""
    resolve = e.ApprovalResolve(at=at, approval_id=permission.request.approval_id, decision="expire")
    return replace(permission, resolve=resolve)


def withdrawn(permission: Permission, at: int) -> Permission:
    """The turn ends before anybody has said anything."""
    request = permission.request
    resolve = e.ApprovalResolve(at=at, approval_id=request.approval_id, decision="deny", reason=STOPPED)
    return replace(permission, resolve=resolve)


def undecided(permissions: Iterable[Permission]) -> list[Permission]:
    return [permission for permission in permissions if permission.resolve is None]


def resolves_of(permissions: Iterable[Permission]) -> list[e.ApprovalResolve]:
    return [permission.resolve for permission in permissions if permission.resolve is not None]


def refusal(permission: Permission) -> ToolResult:
    """What Claude is told in the place of a result."""
    resolve = permission.resolve
    if resolve is not None and resolve.decision == "expire":
        hours = (permission.request.expires_at - permission.request.at) / 3_600_000
        return failed(
            f"The user was asked whether this tool may run, and did not answer within {hours:.3g} hours: "
            "that counts as no. Nothing was run."
        )
    reason = f" Their reason: {resolve.reason}" if resolve is not None and resolve.reason else ""
    return failed(f"The user did not allow this tool to run. Nothing was run.{reason}")


def as_allowed(use: Block, permission: Permission | None) -> Block:
    """The tool use as it runs: with the input that a person gave it, if they did. It is stored as it was."""
    if permission is None or permission.resolve is None or permission.resolve.decision != "edit":
        return use
    return {**use, "input": permission.resolve.input}


def with_note(result: ToolResult, permission: Permission | None) -> ToolResult:
    """Where a person gave another input, the result begins by saying which one was used."""
    resolve = permission.resolve if permission is not None else None
    if resolve is None or resolve.decision != "edit":
        return result
    given = msgspec.json.encode(resolve.input).decode()
    if len(given) > NOTED_CHARS:
        given = given[:NOTED_CHARS] + " …"
    note = text_block(f"The user changed the input before this tool ran. It ran with: {given}\n")
    return replace(result, content=bounded([note, *result.content]))


def by_use(permissions: Sequence[Permission]) -> dict[str, Permission]:
    """By the id of the tool use that asks."""
    return {permission.request.tool_use_id: permission for permission in permissions}
