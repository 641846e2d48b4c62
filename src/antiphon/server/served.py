"""What a route is given: the service that the application opened."""

from typing import Annotated, TypeAlias

from fastapi import Depends, Request

from antiphon.service import Service


async def service_of(request: Request) -> Service:
    service = request.app.state.service
    assert isinstance(service, Service)
    return service


Served: TypeAlias = Annotated[Service, Depends(service_of)]
