"""Our chat template, as llama.cpp reads it: a prompt that tells of tools, of their calls and results."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from antiphon.model.local.catalogue import QWEN
from antiphon.model.local.process import ServerProcess
from antiphon.model.local.ready import orders_for

TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
ASKED = {"role": "user", "content": "Is it raining?"}
CALL = {"type": "function", "id": "1", "function": {"name": "weather", "arguments": '{"town": "Quillby"}'}}
CALLED = {"role": "assistant", "content": "I look.", "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "1", "content": "Yes, cats."}


@pytest.fixture
async def client(smollm2: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """Speaks to a server with the small model and the template of the better one."""
    process = await ServerProcess.start(orders_for(QWEN, smollm2))
    headers = {"authorization": f"Bearer {process.key}"}
    async with httpx2.AsyncClient(base_url=process.base_url, headers=headers) as client:
        yield client
    await process.stop()


async def prompt(client: httpx2.AsyncClient, *messages: dict[str, Any], **more: Any) -> str:
    answer = await client.post("/apply-template", json={"messages": messages, **more})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["prompt"])


async def test_it_tells_of_tools_calls_and_results(client: httpx2.AsyncClient) -> None:
    system = {"role": "system", "content": "Be brief."}
    plain = await prompt(client, system, ASKED)
    assert plain == (
        "<|im_start|>system\nBe brief.<|im_end|>\n"
        "<|im_start|>user\nIs it raining?<|im_end|>\n<|im_start|>assistant\n"
    )
    offered = await prompt(client, system, ASKED, tools=[TOOL])
    assert '"name": "weather"' in offered
    assert offered.startswith("<|im_start|>system\nBe brief.\n")
    answered = await prompt(client, system, ASKED, CALLED, RESULT, tools=[TOOL])
    assert (
        'I look.\n[[call]]{"name": "weather", "arguments": {"town": "Quillby"}}[[/call]]<|im_end|>'
        in answered
    )
    assert "<|im_start|>user\n[[result]]\nYes, cats.\n[[/result]]" in answered
    assert answered.startswith(offered.removesuffix("<|im_start|>assistant\n"))
