"""References become bytes at the door: the same ones each time, and not more than are kept."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import Any

from antiphon.domain.files import File, Media, block_of, file_of
from antiphon.domain.messages import text_block
from antiphon.domain.plans import RequestPlan
from antiphon.errors import NotFound
from antiphon.model.files import GONE, WithFiles
from antiphon.model.upstream import AT_ONCE, Pace
from antiphon.model.wire import StreamEvent
from tests.samples import png

IMAGE = Media(media_type="image/png", width=3, height=2)


class Listener:
    """An upstream that keeps what it is asked, and says nothing."""

    def __init__(self) -> None:
        self.plans: list[RequestPlan] = []

    async def stream(
        self, plan: RequestPlan, pace: Pace = AT_ONCE
    ) -> AsyncGenerator[Sequence[StreamEvent], None]:
        await pace.may_go()
        self.plans.append(plan)
        yield []

    async def count_tokens(self, plan: RequestPlan) -> int:
        self.plans.append(plan)
        return 7

    async def close(self) -> None:
        pass


class Shelf:
    """Files, and how often each was fetched."""

    def __init__(self, *files: File) -> None:
        self.files = {file.facts.id: file for file in files}
        self.fetched: list[str] = []

    async def load(self, principal: str, file_id: str) -> File:
        self.fetched.append(file_id)
        if principal != "zoe" or file_id not in self.files:
            raise NotFound("There is no such file.")
        return self.files[file_id]


def asking(*blocks: Any, principal: str = "zoe") -> RequestPlan:
    content = [*blocks, text_block("?")]
    messages = ({"role": "user", "content": content},)
    return RequestPlan(model="m", max_tokens=1, messages=messages, principal=principal)


def file(shade: int) -> File:
    return file_of("zoe", png(shade=shade), IMAGE)


async def hear(door: WithFiles, plan: RequestPlan) -> None:
    async for _ in door.stream(plan):
        pass


async def test_a_file_that_is_kept_encoded_is_fetched_once() -> None:
    shelf, listener, one = Shelf(file(1)), Listener(), file(1)
    door = WithFiles(listener, shelf.load)
    marked = {**block_of(one.facts), "cache_control": {"type": "ephemeral"}}
    for _ in range(3):
        await hear(door, asking(marked, marked))
    assert await door.count_tokens(asking(marked)) == 7
    assert shelf.fetched == [one.facts.id]
    first, *rest = (plan.messages[0]["content"][0] for plan in listener.plans)
    assert first["source"]["type"] == "base64"
    assert first["cache_control"] == {"type": "ephemeral"}
    assert all(block == first for block in rest)


async def test_no_more_is_kept_than_there_is_room_for() -> None:
    files = [file(shade) for shade in range(3)]
    shelf = Shelf(*files)
    door = WithFiles(Listener(), shelf.load, encoded_max=2 * len(png()) * 4 // 3 + 8)
    one, two, three = (asking(block_of(each.facts)) for each in files)
    for plan in (one, two, one, three, one):
        await hear(door, plan)
    assert len(shelf.fetched) == 3
    await hear(door, two)
    assert shelf.fetched.count(files[1].facts.id) == 2


async def test_a_file_that_is_gone_or_anothers_is_a_note() -> None:
    listener, shelf = Listener(), Shelf(file(1))
    door = WithFiles(listener, shelf.load)
    provider = {"type": "image", "source": {"type": "file", "file_id": "file_011CNha8iCJcU1wXNR6q4V8w"}}
    marked = {**provider, "cache_control": {"type": "ephemeral"}}
    await hear(door, asking(marked))
    await hear(door, asking(block_of(file(1).facts), principal="max"))
    sent = [plan.messages[0]["content"][0] for plan in listener.plans]
    assert sent == [{**text_block(GONE), "cache_control": {"type": "ephemeral"}}, text_block(GONE)]


async def test_a_plan_without_files_passes_untouched() -> None:
    listener, shelf = Listener(), Shelf()
    plan = replace(asking(), principal="")
    await hear(WithFiles(listener, shelf.load), plan)
    assert listener.plans[0] is plan
    assert shelf.fetched == []
