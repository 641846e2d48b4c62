"""The judge of a run: rules over what clients saw, what the store has, and what reached Claude. Pure.

Each rule yields a sentence for each thing that should not be. `test_checker.py` shows that each can fail.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import filterfalse, groupby, pairwise
from typing import TypeAlias

from antiphon.domain import events as e
from antiphon.domain.fold import fold
from antiphon.domain.messages import text_of
from antiphon.stores.frames import decode, decode_all
from tests.faults.history import Evidence, Stored
from tests.faults.views import (
    asked,
    asks_for_a_summary,
    compactions,
    cuts,
    events_of,
    forms,
    further_attempts,
    journal,
    path_to,
    place,
    plain,
    questions,
    said,
    started,
    uses_tools,
)

Rule: TypeAlias = Callable[[Evidence], Iterator[str]]

ASKED_TO_WAIT = {(503, "store-unavailable")}
"""What a client may be told beside what it asked for. A connection that breaks tells it nothing."""
CLOCKS_MS = 50
"""How far the clocks of processes and stores on one machine may be from each other, rounding included."""


@dataclass(frozen=True, slots=True)
class Fault:
    rule: str
    what: str


def faults(evidence: Evidence) -> list[Fault]:
    """All that is wrong; nothing, if every promise was kept."""
    return [Fault(rule.__name__, what) for rule in RULES for what in rule(evidence)]


# What clients were told


def every_key_is_one_turn(evidence: Evidence) -> Iterator[str]:
    """Acknowledged means: one turn, added once, ended once, under this key for ever."""
    turns: dict[str, set[tuple[str, int]]] = defaultdict(set)
    for told in evidence.history.acknowledged:
        turns[told.key].add((told.turn_id, told.seq))
        if evidence.stored[told.conversation_id].keys.get(told.key) != told.turn_id:
            yield f"the store does not have key {told.key} for turn {told.turn_id}"
    for key, known in turns.items():
        if len(known) > 1:
            yield f"key {key} is {len(known)} turns: {sorted(known)}"
    shared = Counter(turn_id for known in turns.values() for turn_id, _ in known)
    for turn_id, keys in shared.items():
        if keys > 1:
            yield f"turn {turn_id} stands for {keys} keys"
    for key in evidence.history.given_up:
        yield f"key {key} was never acknowledged"


def every_turn_is_once_in_the_log(evidence: Evidence) -> Iterator[str]:
    for stored in evidence.stored.values():
        counts = Counter(
            (type(event).__name__, turn_id)
            for event in events_of(stored)
            if isinstance(event, e.MessageAdd | e.TurnQueue | e.TurnStart | e.TurnEnd)
            and not (isinstance(event, e.MessageAdd) and event.parent_id is not None)  # results of tools
            and (turn_id := event.turn_id)
        )
        for turn_id, status in stored.turns.items():
            for kind in ("MessageAdd", "TurnQueue", "TurnStart", "TurnEnd"):
                withdrawn = kind == "TurnStart" and status == "cancelled" and counts[kind, turn_id] == 0
                if counts[kind, turn_id] != 1 and not withdrawn:
                    yield f"turn {turn_id} has {counts[kind, turn_id]} times {kind}"


def no_acknowledged_message_is_gone(evidence: Evidence) -> Iterator[str]:
    """Its text stands in the log just before the event it was acknowledged with, and in the tree."""
    for told in evidence.history.acknowledged:
        stored = evidence.stored[told.conversation_id]
        frames = {frame.seq: frame for frame in stored.frames}
        queued, added = (decode(frames[seq]) if seq in frames else None for seq in (told.seq, told.seq - 1))
        if not isinstance(queued, e.TurnQueue) or queued.turn_id != told.turn_id:
            yield f"event {told.seq} of {told.conversation_id} does not queue turn {told.turn_id}"
        if not isinstance(added, e.MessageAdd) or text_of(added.content) != told.text:
            yield f"event {told.seq - 1} of {told.conversation_id} does not add {told.text!r}"
        words = [text_of(each.content) for each in stored.messages.values() if each.role == "user"]
        due = stored.turns.get(told.turn_id) != "cancelled" or told.turn_id in started(stored)
        if words.count(told.text) != due:
            yield f"{told.text!r} is {words.count(told.text)} times in the tree"


def nobody_is_told_nonsense(evidence: Evidence) -> Iterator[str]:
    for refusal in evidence.history.refusals:
        if (refusal.status, refusal.problem) not in ASKED_TO_WAIT:
            yield f"a client was told {refusal.status} {refusal.problem}"


# What readers saw


def readers_saw_the_log(evidence: Evidence) -> Iterator[str]:
    """Each frame once, in order, without holes, byte for byte, to the end."""
    for reading in evidence.history.readings:
        who = f"reader {reading.reader}"
        log = {frame.seq: frame for frame in evidence.stored[reading.conversation_id].frames}
        seqs = [frame.seq for frame in reading.frames]
        if seqs != list(range(1, len(seqs) + 1)):
            breaks = [pair for pair in pairwise([0, *seqs]) if pair[1] != pair[0] + 1]
            yield f"{who} saw holes or repetitions: {breaks[:3]}"
        for frame in reading.frames:
            if log.get(frame.seq) != frame:
                yield f"{who} saw another event {frame.seq} ({frame.type}) than the log has"
        if max(seqs, default=0) != max(log, default=0):
            yield f"{who} came to {max(seqs, default=0)} of {max(log, default=0)}"
        if reading.resets:
            yield f"{who} was ahead of the log {reading.resets} times"


# What the store has


def seqs_are_contiguous(evidence: Evidence) -> Iterator[str]:
    for stored in evidence.stored.values():
        seqs = [frame.seq for frame in stored.frames]
        if seqs != list(range(1, stored.header.last_seq + 1)):
            yield f"the log of {stored.header.id} has {len(seqs)} events up to {stored.header.last_seq}"


def _why(stored: Stored, turn_id: str) -> str:
    ends = [each for each in events_of(stored) if isinstance(each, e.TurnEnd) and each.turn_id == turn_id]
    return "; ".join(f"{end.error.name}: {end.error.detail}" for end in ends if end.error is not None)


def every_turn_has_ended(evidence: Evidence) -> Iterator[str]:
    for stored in evidence.stored.values():
        if stored.header.running is not None:
            yield f"{stored.header.running} still holds its conversation"
        for turn_id, status in stored.turns.items():
            if status not in evidence.endings:
                yield f"turn {turn_id} ended as {status}: {_why(stored, turn_id)}"


def questions_and_answers_alternate(evidence: Evidence) -> Iterator[str]:
    """On the path to the head, where every answered turn stands, in the order in which they started."""
    for stored in evidence.stored.values():
        path = path_to(stored, stored.header.head)
        for turn_id, group in groupby(path, lambda message: message.turn_id):
            messages, completed = list(group), stored.turns.get(turn_id) == "completed"
            roles = [message.role for message in messages]
            pairs = ["user", "assistant"] * len(roles)
            if roles != pairs[: len(roles)] or (completed and len(roles) % 2):
                yield f"the roles of {turn_id} do not alternate: {roles}"
            for question, answer in zip(messages[::2], messages[1::2], strict=False):
                if completed and not uses_tools(answer) and said(question) not in said(answer):
                    yield f"the answer to {said(question)!r} is to something else"
        stays = ("completed", "interrupted", "cancelled")
        answers = [each for each in started(stored) if stored.turns.get(each) in stays]
        if answers != [turn_id for turn_id, _ in groupby(path, lambda message: message.turn_id)]:
            yield f"the path of {stored.header.id} does not hold every answer once, in order"


def the_log_makes_the_tables(evidence: Evidence) -> Iterator[str]:
    for stored in evidence.stored.values():
        header, state = stored.header, fold(decode_all(stored.frames))
        compared = {
            "last seq": (header.last_seq, state.seq),
            "head": (header.head, state.head),
            "running": (header.running, state.running),
            "title": (header.title, state.title),
            "system": (header.system, state.system),
            "model": (header.model, state.model),
            "options": (header.options, state.options),
            "tools": (header.tools, state.tools),
            "messages": (stored.messages, state.messages),
            "turns": (stored.turns, {turn.id: turn.status for turn in state.turns.values()}),
            "attempts": (sorted(stored.attempts, key=place), sorted(journal(stored), key=place)),
        }
        for name, (table, log) in compared.items():
            if table != log:
                yield f"{name} of {header.id}: the table has {table}, the log makes {log}"


def what_was_seen_is_kept(evidence: Evidence) -> Iterator[str]:
    """Of a turn that was cancelled: the text up to the greatest `seen_seq` that came before its end."""
    for stored in evidence.stored.values():
        for cut in cuts(stored):
            turn_id, kept = cut.end.turn_id, text_of(cut.end.kept.blocks)
            if cut.seen_seq is None and cut.had_started:
                yield f"turn {turn_id} was cancelled by nobody"
            if kept != cut.seen:
                yield f"turn {turn_id} kept {kept!r}, seen was {cut.seen!r}"
            if cut.asked_again:
                yield f"turn {turn_id} was cancelled, and asked Claude again"


# What tools did


def what_may_run_once_ran_once(evidence: Evidence) -> Iterator[str]:
    for (effect, mark), count in Counter(evidence.tool_runs).items():
        if effect == "once" and count > 1:
            yield f"the tool that may run once ran {count} times for {mark}"


def every_result_is_of_a_run(evidence: Evidence) -> Iterator[str]:
    """What a result in the log says was done, and nothing was done that the log does not know of."""
    ran = Counter(mark for _, mark in evidence.tool_runs)
    begun = Counter[str]()
    for stored in evidence.stored.values():
        for event in events_of(stored):
            if isinstance(event, e.ToolStart):
                begun[str(event.input["mark"])] += 1
            elif isinstance(event, e.ToolEnd) and not ran[mark := text_of(event.content)]:
                yield f"the log has a result {mark!r} of a tool that did not run"
    for mark, count in ran.items():
        if count > begun[mark]:
            yield f"the tool ran {count} times for {mark}, begun {begun[mark]} times"


# What reached Claude


def no_request_was_invalid(evidence: Evidence) -> Iterator[str]:
    for request in evidence.requests:
        if request.status == 400:
            yield f"request {request.number} was answered with 400"


def every_request_is_a_path_of_the_tree(evidence: Evidence) -> Iterator[str]:
    """What was sent is what leads to the question; nothing on that path has changed since."""
    known = questions(evidence)
    summaries = {each: compactions(stored) for each, stored in evidence.stored.items()}
    for request in filterfalse(asks_for_a_summary, evidence.requests):
        stored, question = known.get(asked(request), (None, None))
        if stored is None or question is None:
            yield f"request {request.number} asks what nobody asked"
            continue
        sent = [(each["role"], plain(each["content"])) for each in request.body["messages"]]
        allowed = forms(path_to(stored, question.id), summaries[stored.header.id])
        if sent not in allowed:
            lengths = [len(form) for form in allowed]
            yield f"request {request.number} sent {len(sent)} messages that are not the path of {lengths}"


def every_request_is_in_the_journal(evidence: Evidence) -> Iterator[str]:
    """No more requests for a turn than attempts of it; each finished attempt is a request that was made."""
    known = questions(evidence)
    made: Counter[str] = Counter()
    numbers: dict[str, str] = {}
    for request in evidence.requests:
        _, question = known.get(asked(request), (None, None))
        if question is not None:
            made[question.turn_id] += 1
            numbers[f"req_sim_{request.number:06}"] = question.turn_id
    attempts = [attempt for stored in evidence.stored.values() for attempt in stored.attempts]
    kept = Counter(attempt.turn_id for attempt in attempts)
    for turn_id, count in made.items():
        if count > kept[turn_id]:
            yield f"{count} requests for turn {turn_id}, but {kept[turn_id]} attempts"
    for attempt in attempts:
        if attempt.request_id and numbers.get(attempt.request_id) != attempt.turn_id:
            yield f"attempt {attempt.attempt} of {attempt.turn_id} claims {attempt.request_id}"
        if attempt.status == "open":
            yield f"attempt {attempt.attempt} of {attempt.turn_id} was left open"


def every_summary_is_in_the_log(evidence: Evidence) -> Iterator[str]:
    """Each was announced before it was asked for, and has ended; each that was answered is a request."""
    events = [event for stored in evidence.stored.values() for event in events_of(stored)]
    made = {f"req_sim_{each.number:06}" for each in evidence.requests if asks_for_a_summary(each)}
    begun = {event.id for event in events if isinstance(event, e.RequestStart) and event.purpose == "summary"}
    ends = [event for event in events if isinstance(event, e.RequestEnd) and event.id in begun]
    ended = Counter(end.id for end in ends)
    if len(made) > len(begun):
        yield f"{len(made)} summaries were asked for, {len(begun)} are in the log"
    for request in begun:
        if ended[request] != 1:
            yield f"the summary {request} has ended {ended[request]} times"
    for end in ends:
        if end.request_id and end.request_id not in made:
            yield f"the summary {end.id} claims {end.request_id}"


def every_further_attempt_has_a_cause(evidence: Evidence) -> Iterator[str]:
    """Between an attempt and the next something struck, or the lease lapsed; or Claude failed it.

    Who got no processor for so long that its lease lapsed, and was killed before it noticed, cannot tell.
    """
    unnoticed = round(2000 * evidence.lease_s)
    for stored in evidence.stored.values():
        failed = Counter[str]()
        for before, after in further_attempts(stored):
            hits = evidence.history.disturbances
            struck = any(before.at <= hit.over and hit.begun <= after.at + unnoticed for hit in hits)
            lapsed = any(
                lost.turn_id == before.turn_id
                and lost.lapsed(evidence.lease_s) - CLOCKS_MS <= after.at
                and before.at <= lost.noticed
                for lost in evidence.leases_lost
            )
            failed[before.turn_id] += not (struck or lapsed)
            if failed[before.turn_id] > evidence.upstream_faults:
                yield f"attempt {after.attempt} of {after.turn_id} has no cause"


def no_lease_is_lost_while_it_lasts(evidence: Evidence) -> Iterator[str]:
    """Nobody may claim what was renewed in time, however busy the machine is."""
    for lost in evidence.leases_lost:
        if 1000 * lost.unrenewed_s + CLOCKS_MS < 1000 * evidence.lease_s:
            yield f"the lease of {lost.turn_id} was lost {lost.unrenewed_s} s after it was renewed"


RULES: tuple[Rule, ...] = (
    every_key_is_one_turn,
    every_turn_is_once_in_the_log,
    no_acknowledged_message_is_gone,
    nobody_is_told_nonsense,
    readers_saw_the_log,
    seqs_are_contiguous,
    every_turn_has_ended,
    questions_and_answers_alternate,
    the_log_makes_the_tables,
    what_was_seen_is_kept,
    what_may_run_once_ran_once,
    every_result_is_of_a_run,
    no_request_was_invalid,
    every_request_is_a_path_of_the_tree,
    every_request_is_in_the_journal,
    every_summary_is_in_the_log,
    every_further_attempt_has_a_cause,
    no_lease_is_lost_while_it_lasts,
)
