"""What a route is given: the service that the application opened, and its patience with readers."""

from typing import Annotated, TypeAlias

from fastapi import Depends, Request

from antiphon.service import Service


async def service_of(request: Request) -> Service:
    service = request.app.state.service
    assert isinstance(service, Service)
    return service


Served: TypeAlias = Annotated[Service, Depends(service_of)]


async def send_s_of(request: Request) -> float:
    patience: float = request.app.state.send_s
    return patience


SendSeconds: TypeAlias = Annotated[float, Depends(send_s_of)]
"""How long a reader of a stream may let one `send` wait."""
