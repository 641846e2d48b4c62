"""The judge of a run: rules over what clients saw, what the store has, and what reached Claude. Pure.

Each rule yields a sentence for each thing that should not be. `test_checker.py` shows that each can fail.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from antiphon.domain import events as e
from antiphon.domain.fold import fold
from antiphon.domain.messages import text_of
from antiphon.stores.frames import decode, decode_all
from tests.faults.history import Evidence
from tests.faults.views import (
    asked,
    events_of,
    further_attempts,
    journal,
    path_to,
    place,
    plain,
    questions,
    was_completed,
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
            and (turn_id := event.turn_id)
        )
        for turn_id in stored.turns:
            for kind in ("MessageAdd", "TurnQueue", "TurnStart", "TurnEnd"):
                if counts[kind, turn_id] != 1:
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
        said = [text_of(each.content) for each in stored.messages.values() if each.role == "user"]
        if said.count(told.text) != 1:
            yield f"{told.text!r} is {said.count(told.text)} times in the tree"


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


def every_turn_has_ended(evidence: Evidence) -> Iterator[str]:
    for stored in evidence.stored.values():
        if stored.header.running is not None:
            yield f"{stored.header.running} still holds its conversation"
        for turn_id, status in stored.turns.items():
            if status not in evidence.endings:
                yield f"turn {turn_id} ended as {status}"


def questions_and_answers_alternate(evidence: Evidence) -> Iterator[str]:
    """On the path to the head, where every answered turn stands, in the order in which they started."""
    for stored in evidence.stored.values():
        path = path_to(stored, stored.header.head)
        if [message.role for message in path] != ["user", "assistant"] * (len(path) // 2):
            yield f"the roles on the path of {stored.header.id} do not alternate"
        for question, answered in zip(path[::2], path[1::2], strict=False):
            if question.turn_id != answered.turn_id:
                yield f"the answer of {answered.turn_id} follows the question of {question.turn_id}"
            if text_of(question.content) not in text_of(answered.content) and was_completed(stored, question):
                yield f"the answer to {text_of(question.content)!r} is to something else"
        started = [event.turn_id for event in events_of(stored) if isinstance(event, e.TurnStart)]
        answers = [each for each in started if stored.turns.get(each) in ("completed", "interrupted")]
        if answers != [message.turn_id for message in path[::2]]:
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


# What reached Claude


def no_request_was_invalid(evidence: Evidence) -> Iterator[str]:
    for request in evidence.requests:
        if request.status == 400:
            yield f"request {request.number} was answered with 400"


def every_request_is_a_path_of_the_tree(evidence: Evidence) -> Iterator[str]:
    """What was sent is what leads to the question; nothing on that path has changed since."""
    known = questions(evidence)
    for request in evidence.requests:
        stored, question = known.get(asked(request), (None, None))
        if stored is None or question is None:
            yield f"request {request.number} asks what nobody asked"
            continue
        path = [(each.role, list(each.content)) for each in path_to(stored, question.id)]
        sent = [(each["role"], plain(each["content"])) for each in request.body["messages"]]
        if sent != path:
            yield f"request {request.number} sent {len(sent)} messages that are not the path of {len(path)}"


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


def every_further_attempt_has_a_cause(evidence: Evidence) -> Iterator[str]:
    """Between an attempt and the next something struck, or the lease lapsed; or Claude failed it."""
    for stored in evidence.stored.values():
        failed = Counter[str]()
        for before, after in further_attempts(stored):
            struck = any(
                before.at <= hit.over and hit.begun <= after.at for hit in evidence.history.disturbances
            )
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
    no_request_was_invalid,
    every_request_is_a_path_of_the_tree,
    every_request_is_in_the_journal,
    every_further_attempt_has_a_cause,
    no_lease_is_lost_while_it_lasts,
)
