"""The library's face: `AsyncChat`, and `Chat` as a thin synchronous one over it."""

from antiphon.chat.asynchronous import AsyncChat
from antiphon.chat.replies import Reply, Stats, delta_text, written
from antiphon.chat.synchronous import Chat

__all__ = ["AsyncChat", "Chat", "Reply", "Stats", "delta_text", "written"]
