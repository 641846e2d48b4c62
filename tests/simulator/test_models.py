"""The list of models."""

import anthropic
import httpx2
import pytest
from anthropic import AsyncAnthropic

from antiphon.simulator import Model, Simulator


async def test_all_models_come_page_by_page(client: AsyncAnthropic) -> None:
    first = await client.models.list()
    every = [model.id async for model in client.models.list()]
    assert (len(first.data), first.has_more) == (20, True)
    assert len(every) == len(set(every)) > 20


async def test_a_page_may_lie_before_another(client: AsyncAnthropic) -> None:
    every = [model.id async for model in client.models.list()]
    before = await client.models.list(before_id=every[5], limit=2)
    assert ([model.id for model in before.data], before.has_more) == (every[3:5], True)
    after = await client.models.list(after_id=every[-2], limit=2)
    assert ([model.id for model in after.data], after.has_more) == (every[-1:], False)


async def test_retired_models_come_only_if_they_are_asked_for() -> None:
    old = Model("claude-old-1", lifecycle="retired")
    async with (
        Simulator(extra_models=[old]) as simulator,
        AsyncAnthropic(base_url=simulator.url, api_key="any") as client,
    ):
        assert "claude-old-1" not in [model.id async for model in client.models.list()]
        retired = await client.models.list(lifecycle=["retired", "deprecated"])
        assert {model.lifecycle for model in retired.data} == {"retired", "deprecated"}


@pytest.mark.parametrize("limit", ["0", "1001", "many"])
async def test_a_page_has_at_least_one_and_at_most_a_thousand(http: httpx2.AsyncClient, limit: str) -> None:
    answer = await http.get(f"/v1/models?limit={limit}")
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


async def test_a_model_that_is_not_there_is_not_found(client: AsyncAnthropic) -> None:
    with pytest.raises(anthropic.NotFoundError):
        await client.models.retrieve("claude-nobody")
