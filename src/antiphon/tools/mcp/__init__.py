"""MCP servers as sources of tools: the only door to the SDK."""
