"""The HTTP face: `uvicorn --factory antiphon.server:create_app`, or `antiphon serve`."""

from antiphon.server.app import create_app

__all__ = ["create_app"]
