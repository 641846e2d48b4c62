"""What a person must get, by a table and a few rules. It knows nothing of how the program comes to it."""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.crossing.cases import DECLINED, FIRST, GOOD, OTHER, SAID, Case
from tests.crossing.faces import Face, Seen
from tests.crossing.world import Terms

HTTP_STATUS: Mapping[str, int] = {
    "upstream-rejected": 502,
    "upstream-auth": 502,
    "upstream-failed": 502,
    "upstream-busy": 503,
    "no-room": 502,
    "empty-answer": 502,
    "too-many-steps": 502,
}
EXCEPTION: Mapping[str, str] = {
    "upstream-rejected": "UpstreamRejected",
    "upstream-auth": "UpstreamAuth",
    "upstream-failed": "UpstreamFailed",
    "upstream-busy": "UpstreamBusy",
    "no-room": "NoRoom",
    "empty-answer": "EmptyAnswer",
}
"""All others are the base of these, `AnswerError`."""
EXIT: Mapping[str, int] = {"upstream-auth": 3}
"""All others are 1."""
CUT_SHORT = ("max_tokens", "model_context_window_exceeded", "refusal")
"""An answer, but not the whole one: exit code 5."""


@dataclass(frozen=True, kw_only=True)
class Due:
    """What is due to somebody who asked."""

    ended: str
    """completed, refused, or broken."""
    word: str
    """The stop reason, or the problem's name."""
    models: tuple[str, ...]
    """Who was asked, in order."""
    failures: tuple[int, ...] = ()
    """Which of these requests failed."""
    said: str = ""
    """The answer, with what whole steps said before it."""
    broken_off: bool = False
    """Whether `said` is followed by a beginning of `SAID`."""
    kept: bool = False
    """Whether what was said stays in the history."""


def due(case: Case, face: Face, terms: Terms, seen: Seen) -> Due:
    """What was seen decides one thing: text that was shown before a stream broke may not be followed by other
    text, where it cannot be taken back. Where nothing was shown yet, another attempt is made.
    """
    stuck = case.says and not face.takes_back and _begins_with_said(seen.text, case.earlier)
    helped = not stuck and (
        (terms.left == "retry" and case.helps == "again")
        or (terms.left == "fallback" and case.helps in ("again", "elsewhere"))
    )
    asked = (FIRST,) * case.requests
    failures = (case.requests - 1,) if (case.problem and case.helps != "nothing") or _fails(case) else ()
    if helped:
        return Due(
            ended="completed",
            word="end_turn",
            models=(*asked, FIRST if terms.left == "retry" else OTHER),
            failures=failures,
            said=case.earlier + GOOD,
            kept=True,
        )
    if case.refused:
        return Due(ended="refused", word="refusal", models=asked, broken_off=stuck)
    if case.problem:
        shown = stuck or (case.says and face.keeps)
        return Due(
            ended="broken",
            word=case.problem,
            models=asked,
            failures=failures,
            said=case.earlier,
            broken_off=shown,
            kept=shown or bool(case.earlier),
        )
    cut = case.text == SAID and case.stop_reason != "brand_new"
    return Due(
        ended="completed",
        word=case.stop_reason,
        models=asked,
        said=case.earlier + ("" if cut else case.text),
        broken_off=cut,
        kept=True,
    )


def _fails(case: Case) -> bool:
    return case.problem is not None and case.problem.startswith("upstream")


def _begins_with_said(text: str, earlier: str) -> bool:
    rest = text.removeprefix(earlier)
    return text.startswith(earlier) and rest[:3] == SAID[:3]


def sign(due: Due, face: str) -> object:
    """How a program is told."""
    kept = due.broken_off or bool(due.said)
    match face, due.ended:
        case (("Chat.send" | "Chat.stream"), "broken"):
            return "AnswerInterrupted" if kept else EXCEPTION.get(due.word, "AnswerError")
        case "Chat.send", _:
            return due.word
        case "Chat.stream", _:
            return "ended"
        case "POST chat", "broken":
            return HTTP_STATUS[due.word], due.word
        case "POST chat", _:
            return 200, due.word
        case "POST chat/stream", ended:
            return ("error" if ended == "broken" else "done"), due.word
        case "v1", "broken":
            return ("interrupted" if kept else "failed"), due.word
        case "v1", ended:
            return ended, due.word
        case "antiphon ask", "broken":
            return EXIT.get(due.word, 1)
        case "antiphon ask", _:
            return 5 if due.word in CUT_SHORT else 0
        case _:
            raise AssertionError(face)


WHOLE = ("Chat.send", "POST chat")
"""Faces that give the answer when it is whole, and only its last message."""


def text_is_due(due: Due, case: Case, face: str, text: str) -> bool:
    """Whether this is all the text that is due: nothing of two attempts, nothing twice, nothing missing."""
    said = due.said
    if due.ended == "refused":
        said, after = "", "" if face == "antiphon ask" else DECLINED
        return _is(text, said, broken_off=due.broken_off, after=after)
    if face == "POST chat" and due.ended == "broken":
        return text == ""
    if face in WHOLE and due.ended == "completed":
        said = said.removeprefix(case.earlier)
    return _is(text, said, broken_off=due.broken_off, after="")


def _is(text: str, said: str, *, broken_off: bool, after: str) -> bool:
    if not (text.startswith(said) and text.endswith(after)):
        return False
    rest = text.removeprefix(said).removesuffix(after)
    return SAID.startswith(rest) and bool(rest) == broken_off
