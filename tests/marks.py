"""What of a request is left when the marks of the prompt cache are taken away."""

from typing import Any


def unmarked(value: Any) -> Any:
    match value:
        case dict():
            return {key: unmarked(inner) for key, inner in value.items() if key != "cache_control"}
        case list():
            return [unmarked(inner) for inner in value]
        case _:
            return value
