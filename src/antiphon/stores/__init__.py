"""Durable truth: a conversation-scoped event log with what is projected from it, behind one protocol."""
