"""From a conversation's history to a request plan. Pure."""
