"""Conversations that are there already, as documents to be imported."""

from typing import Any

from antiphon.domain.ids import new_id

ANSWER = """Answer {n} has **some** markdown and `code`:

- one thing
- another thing

```python
print({n})
```

And a closing sentence that is a little longer than the others, so that it takes more than a line.
"""


def long_conversation(messages: int) -> dict[str, Any]:
    """Questions and answers in turn."""
    conversation = new_id()
    events: list[tuple[str, dict[str, Any]]] = [
        ("conversation_create", {"at": 1, "title": f"{messages} messages", "system": "Be brief."})
    ]
    parent: str | None = None
    for n in range(1, messages // 2 + 1):
        turn, asked, said = f"{conversation}.{new_id()}", new_id(), new_id()
        question = {"type": "text", "text": f"Question {n}"}
        answer = {"type": "text", "text": ANSWER.format(n=n)}
        usage = {"input_tokens": 20 * n, "cache_read_tokens": 15 * n, "output_tokens": 60}
        step = {"at": n, "step": 0, "attempt": 1, "model": "claude-sonnet-5-5"}
        events += [
            ("message_add", {"at": n, "message_id": asked, "turn_id": turn, "content": [question]}),
            ("turn_queue", {"at": n, "turn_id": turn, "message_id": asked}),
            ("turn_start", {"at": n, "turn_id": turn, "message_id": asked, "parent_id": parent}),
            ("step_start", {**step, "message_id": said, "parent_id": asked}),
            ("block_start", {"step": 0, "index": 0, "block": {"type": "text", "text": ""}}),
            ("block_end", {"step": 0, "index": 0, "block": answer}),
            ("step_end", {**step, "stop_reason": "end_turn", "usage": usage, "cost_nanodollars": 700_000}),
            (
                "turn_end",
                {"at": n, "turn_id": turn, "status": "completed", "kept": {"steps": 1}, "head": said},
            ),
        ]
        parent = said
    return {
        "format": "antiphon-conversation-1",
        "id": conversation,
        "events": [
            {"seq": seq, "type": kind, "data": {"v": 1, **data}} for seq, (kind, data) in enumerate(events, 1)
        ],
    }
