"""Which model thinks how, and where its thinking may stand afterwards."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest
from anthropic import AsyncAnthropic
from anthropic.types import Message

from antiphon.simulator import Reply, Simulator

Ask = Callable[..., Awaitable[Message]]
Post = Callable[[dict[str, Any]], Awaitable[httpx2.Response]]

NOT_HERE = "is bound to a different conversation"
FORGED = "Invalid `signature` in `thinking` block"


def user(words: str) -> dict[str, Any]:
    return {"role": "user", "content": words}


def enabled(budget: int = 1024, **more: Any) -> dict[str, Any]:
    return {"type": "enabled", "budget_tokens": budget, **more}


ADAPTIVE, BETWEEN, DISABLED = {"type": "adaptive"}, {"type": "between_tools"}, {"type": "disabled"}


@pytest.mark.parametrize(
    ("model", "thinking", "effort", "accepted"),
    [
        ("claude-fable-5-2", ADAPTIVE, "max", True),
        ("claude-fable-5-2", DISABLED, None, False),
        ("claude-mythos-5-1", enabled(), None, False),
        ("claude-opus-5-5", BETWEEN, None, False),
        ("claude-sonnet-5-5", BETWEEN, None, True),
        ("claude-sonnet-5-5", BETWEEN, "high", True),
        ("claude-sonnet-5-5", BETWEEN, "xhigh", False),
        ("claude-sonnet-5-5", DISABLED, None, False),
        ("claude-sonnet-5-5", enabled(), None, False),
        ("claude-haiku-5-5", DISABLED, None, True),
        ("claude-haiku-5-5", DISABLED, "max", False),
        ("claude-haiku-5-5", ADAPTIVE, "max", True),
        ("claude-opus-5", DISABLED, "high", True),
        ("claude-opus-5", DISABLED, "xhigh", False),
        ("claude-sonnet-5", DISABLED, "max", True),
        ("claude-opus-4-8", None, "max", True),
        ("claude-opus-4-7", enabled(), None, False),
        ("claude-opus-4-6", enabled(), None, True),
        ("claude-sonnet-4-6", ADAPTIVE, None, True),
        ("claude-haiku-4-5", enabled(), None, True),
        ("claude-haiku-4-5", ADAPTIVE, None, False),
        ("claude-haiku-4-5", None, "high", False),
        ("claude-sonnet-4-5", None, "low", False),
        ("claude-opus-4-5", None, "low", True),
        ("claude-opus-4-5", DISABLED, None, True),
        ("claude-haiku-4-5", enabled(1023), None, False),
        ("claude-haiku-4-5", enabled(4000), None, False),
        ("claude-haiku-4-5", {"type": "enabled"}, None, False),
        ("claude-haiku-4-5", enabled(display="omitted"), None, True),
        ("claude-sonnet-5-5", {**ADAPTIVE, "budget_tokens": 2000}, None, False),
        ("claude-sonnet-5-5", {**ADAPTIVE, "display": "summarized"}, None, True),
        ("claude-sonnet-5-5", {**ADAPTIVE, "display": "loud"}, None, False),
        ("claude-sonnet-5-5", {**ADAPTIVE, "display": "updates"}, None, False),
        ("claude-sonnet-5-5", {**BETWEEN, "display": "omitted"}, None, False),
        ("claude-sonnet-5-5", {"type": "hard"}, None, False),
        ("claude-sonnet-5-5", {"type": "adaptive", "block_binding": {}}, None, False),
        ("claude-sonnet-5-5", None, "extreme", False),
    ],
)
async def test_each_model_takes_its_own_kinds_of_thinking_and_effort(
    post: Post, question: dict[str, Any], model: str, thinking: Any, effort: str | None, accepted: bool
) -> None:
    body = {**question, "model": model, "max_tokens": 4000}
    body |= {"thinking": thinking} if thinking is not None else {}
    body |= {"output_config": {"effort": effort}} if effort is not None else {}
    response = await post(body)
    assert response.status_code == (200 if accepted else 400), response.text


@pytest.mark.parametrize(
    ("model", "thinks"),
    [("claude-sonnet-5-5", True), ("claude-opus-4-8", False), ("claude-haiku-4-5", False)],
)
async def test_thinking_is_on_where_the_model_has_it_on(
    simulator: Simulator, ask: Ask, model: str, thinks: bool
) -> None:
    simulator.script(Reply(thinking="Hm.", text="Yes."))
    answer = await ask(model=model)
    assert [block.type for block in answer.content] == (["thinking", "text"] if thinks else ["text"])


class Talk:
    """A conversation whose answers all begin with thinking."""

    def __init__(self, simulator: Simulator, http: httpx2.AsyncClient) -> None:
        self._simulator = simulator
        self._http = http
        self.fields: dict[str, Any] = {"model": "claude-sonnet-5-5", "system": "Be brief."}
        self.messages: list[dict[str, Any]] = []

    async def say(self, words: str, **headers: str) -> None:
        """One turn that succeeds."""
        self._simulator.script(Reply(thinking=f"Thinking about {words}", text=f"On {words}."))
        self.messages.append(user(words))
        answered = await self.send(**headers)
        assert answered.status_code == 200, answered.text
        self.messages.append({"role": "assistant", "content": answered.json()["content"]})

    async def send(self, path: str = "/v1/messages", **headers: str) -> httpx2.Response:
        body = {**self.fields, "messages": self.messages}
        if path == "/v1/messages":
            body["max_tokens"] = 1000
        return await self._http.post(path, json=body, headers=headers)

    async def refusal(self) -> str:
        """What the next request gets to hear; empty if it is taken. Counting says the same."""
        self.messages.append(user("And now?"))
        answered, counted = await self.send(), await self.send("/v1/messages/count_tokens")
        assert answered.status_code == counted.status_code
        if answered.status_code == 200:
            return ""
        assert answered.json()["error"]["type"] == "invalid_request_error"
        return str(answered.json()["error"]["message"])

    def thinking(self, turn: int) -> dict[str, Any]:
        block: dict[str, Any] = self.messages[2 * turn + 1]["content"][0]
        assert block["type"] == "thinking"
        return block

    def drop_thinking(self, *turns: int) -> None:
        for turn in turns:
            self.messages[2 * turn + 1]["content"].pop(0)


@pytest.fixture
async def talk(simulator: Simulator, http: httpx2.AsyncClient) -> Talk:
    talk = Talk(simulator, http)
    for words in ("one", "two", "three"):
        await talk.say(words)
    return talk


async def test_a_conversation_that_only_grows_is_taken(talk: Talk) -> None:
    assert await talk.refusal() == ""


async def test_what_is_not_prompt_may_change(talk: Talk) -> None:
    talk.fields |= {
        "thinking": {"type": "adaptive", "display": "summarized"},
        "output_config": {"effort": "low"},
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "cache_control": {"type": "ephemeral"},
    }
    talk.messages[0] = {"role": "user", "content": [{"type": "text", "text": "one"}]}
    assert await talk.refusal() == ""


@pytest.mark.parametrize("turns", [(0,), (0, 1), (2,), (1, 2), (0, 2), (0, 1, 2)])
async def test_thinking_may_be_removed_from_the_start_the_end_or_everywhere(
    talk: Talk, turns: tuple[int, ...]
) -> None:
    talk.drop_thinking(*turns)
    assert await talk.refusal() == ""


async def test_thinking_may_not_be_removed_from_the_middle(talk: Talk) -> None:
    talk.drop_thinking(1)
    assert NOT_HERE in await talk.refusal()


@pytest.mark.parametrize("turn", [0, 2])
async def test_removed_thinking_may_not_come_back(talk: Talk, turn: int) -> None:
    removed = talk.thinking(turn)
    talk.drop_thinking(turn)
    await talk.say("four")
    talk.messages[2 * turn + 1]["content"].insert(0, removed)
    assert NOT_HERE in await talk.refusal()


def replace(talk: Talk, start: int, end: int, *instead: dict[str, Any]) -> None:
    talk.messages[start:end] = instead


EDITS: dict[str, Callable[[Talk], Any]] = {
    "an earlier message": lambda talk: talk.messages.__setitem__(0, user("uno")),
    "an earlier answer": lambda talk: talk.messages[1]["content"].append({"type": "text", "text": "Hm"}),
    "the first turn is cut off": lambda talk: replace(talk, 0, 2),
    "a summary stands for it": lambda talk: replace(talk, 0, 2, user("We spoke of one.")),
    "the system prompt": lambda talk: talk.fields.__setitem__("system", "Be long."),
    "no system prompt": lambda talk: talk.fields.pop("system"),
    "a tool": lambda talk: talk.fields.__setitem__(
        "tools", [{"name": "clock", "input_schema": {"type": "object"}}]
    ),
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
async def test_thinking_does_not_survive_an_edit_before_it(talk: Talk, edit: Callable[[Talk], Any]) -> None:
    edit(talk)
    assert NOT_HERE in await talk.refusal()


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
async def test_without_thinking_anything_may_be_edited(talk: Talk, edit: Callable[[Talk], Any]) -> None:
    talk.drop_thinking(0, 1, 2)
    edit(talk)
    assert await talk.refusal() == ""


async def test_models_that_do_not_bind_it_take_edits(simulator: Simulator, http: httpx2.AsyncClient) -> None:
    talk = Talk(simulator, http)
    talk.fields["model"] = "claude-opus-5"
    await talk.say("one")
    talk.messages[0] = user("uno")
    assert await talk.refusal() == ""
    talk.thinking(0)["signature"] = "c2lnbmVk"
    assert await talk.refusal() == f"messages.1.content.0: {FORGED}"


@pytest.mark.parametrize(
    "forge",
    [
        {"thinking": "I thought of something else."},
        {"signature": "c2lnbmVk"},
        {"signature": ""},
        {"signature": "no base64!"},
    ],
)
async def test_altered_thinking_is_refused(talk: Talk, forge: dict[str, str]) -> None:
    talk.thinking(1).update(forge)
    assert await talk.refusal() == f"messages.3.content.0: {FORGED}"


async def test_another_model_s_thinking_is_dropped_silently_and_not_counted(talk: Talk) -> None:
    async def counted() -> int:
        return int((await talk.send("/v1/messages/count_tokens")).json()["input_tokens"])

    talk.messages.append(user("And now?"))
    with_thinking = await counted()
    talk.fields["model"] = "claude-haiku-5-5"
    without = await counted()
    assert with_thinking - without == 14  # three thoughts, "Thinking about one" and so on
    talk.messages.pop()
    await talk.say("four")
    talk.fields["model"] = "claude-sonnet-5-5"
    assert await talk.refusal() == ""


async def test_old_models_read_their_earlier_thinking_no_more(
    simulator: Simulator, http: httpx2.AsyncClient
) -> None:
    talk = Talk(simulator, http)
    talk.fields |= {"model": "claude-haiku-4-5", "thinking": enabled(display="omitted")}
    simulator.script(Reply(thinking="t" * 4000, text="Yes."))
    talk.messages.append(user("One?"))
    body = {**talk.fields, "messages": talk.messages, "max_tokens": 2000}
    content = (await http.post("/v1/messages", json=body)).json()["content"]
    assert [block["type"] for block in content] == ["thinking", "text"]
    talk.messages += [{"role": "assistant", "content": content}, user("Two?")]
    counted = (await talk.send("/v1/messages/count_tokens")).json()["input_tokens"]
    assert counted < 20


async def test_thinking_can_be_dropped_instead_by_a_beta(talk: Talk, http: httpx2.AsyncClient) -> None:
    talk.messages[0] = user("uno")
    talk.fields["thinking"] = {
        "type": "adaptive",
        "block_binding": {"prefix_mismatch_behavior": "drop_block"},
    }
    await talk.say("four", **{"anthropic-beta": "thinking-binding-controls-2026-08-01"})
    assert "block_binding" in await talk.refusal()


async def test_some_models_bind_thinking_to_the_organization(
    simulator: Simulator, talk: Talk, http: httpx2.AsyncClient
) -> None:
    talk.messages.append(user("And now?"))
    assert NOT_HERE in (await talk.send(**{"x-api-key": "of-another"})).text
    opus = Talk(simulator, http)
    opus.fields["model"] = "claude-opus-5-5"
    await opus.say("one")
    opus.messages.append(user("And now?"))
    assert (await opus.send(**{"x-api-key": "of-another"})).status_code == 200


async def test_thinking_between_tools_is_bound_as_well(
    simulator: Simulator, client: AsyncAnthropic, question: dict[str, Any]
) -> None:
    use = {"type": "tool_use", "id": "t", "name": "clock", "input": {}}
    scripted = ({"type": "thinking", "thinking": "Let me look."}, use)
    simulator.script(Reply(content=scripted), Reply(thinking="Noon, then.", text="Noon."))
    tools: Any = [{"name": "clock", "input_schema": {"type": "object"}}]
    history: list[Any] = list(question["messages"])
    for result in ({"type": "tool_result", "tool_use_id": "t", "content": "noon"}, None):
        answer = await client.messages.create(**{**question, "messages": history}, tools=tools)
        history.append({"role": "assistant", "content": [block.to_dict() for block in answer.content]})
        history.append({"role": "user", "content": "Thanks." if result is None else [result]})
    assert (await client.messages.create(**{**question, "messages": history}, tools=tools)).content


async def test_what_is_redacted_is_bound_too(
    simulator: Simulator, post: Post, question: dict[str, Any]
) -> None:
    simulator.script(Reply(content=({"type": "redacted_thinking"}, {"type": "text", "text": "Yes."})))
    content = (await post(question)).json()["content"]
    assert content[0]["data"]
    history = [*question["messages"], {"role": "assistant", "content": content}, user("Sure?")]
    assert (await post({**question, "messages": history})).status_code == 200
    assert NOT_HERE in (await post({**question, "messages": [user("Good day"), *history[1:]]})).text
