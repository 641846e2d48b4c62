"""What a route is given: the service that the application opened, and its event streams."""

from typing import Annotated, TypeAlias

from fastapi import Depends, Request

from antiphon.server.sse import Streams
from antiphon.service import Service


async def service_of(request: Request) -> Service:
    service = request.app.state.service
    assert isinstance(service, Service)
    return service


Served: TypeAlias = Annotated[Service, Depends(service_of)]


async def streams_of(request: Request) -> Streams:
    streams = request.app.state.streams
    assert isinstance(streams, Streams)
    return streams


EventStreams: TypeAlias = Annotated[Streams, Depends(streams_of)]
