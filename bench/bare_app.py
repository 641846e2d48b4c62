"""What Antiphon is measured beside: the FastAPI app of a tutorial, with a dict of sessions."""

import json
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any

import anthropic
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

app = FastAPI()
client = anthropic.AsyncAnthropic()
sessions: dict[str, list[dict[str, Any]]] = defaultdict(list)


class ChatRequest(BaseModel):
    session_id: str
    message: str


@app.post("/chat/stream")
async def chat_stream(request: ChatRequest) -> StreamingResponse:
    history = sessions[request.session_id]
    history.append({"role": "user", "content": request.message})

    async def generate() -> AsyncIterator[str]:
        said = ""
        async with client.messages.stream(
            model="claude-sonnet-5-5",
            max_tokens=8192,
            messages=history,  # type: ignore[arg-type] # a tutorial's dicts
        ) as stream:
            async for text in stream.text_stream:
                said += text
                yield f"data: {json.dumps({'text': text})}\n\n"
        history.append({"role": "assistant", "content": said})
        yield f"data: {json.dumps({'done': True})}\n\n"

    return StreamingResponse(generate(), media_type="text/event-stream")
