"""Whether the API would take a request. Source: the Messages API reference."""

from collections.abc import Mapping
from typing import Any

from antiphon.simulator.errors import ApiError
from antiphon.simulator.models import Model
from antiphon.simulator.rules import RULES
from antiphon.simulator.shape import Call, check_fields, check_shape, turns
from antiphon.simulator.signatures import THINKING, judged
from antiphon.simulator.tokens import blocks_of


def check(
    body: Any,
    *,
    models: Mapping[str, Model],
    version: str,
    betas: str,
    counting: bool,
    organization: str | None = None,
) -> Call:
    """The call that a request's body stands for.

    Whether thinking blocks are genuine and stand where they may is checked for an organization; without one
    they are believed.

    Raises:
        ApiError: 400 for what the API refuses, 404 for a model it does not have.
    """
    check_shape(body, counting=counting)
    check_fields(body, counting=counting, version=version, betas=betas)
    model = models.get(body["model"])
    if model is None:
        raise ApiError(404, f"model: {body['model']}")
    call = Call(body, turns(body), model, organization or "", version, betas)
    for rule in RULES:
        problem = rule(call)
        if problem is not None:
            raise ApiError(400, problem)
    if organization is None or not _thinks(call):
        return call
    verdict = judged(body, model, organization)
    if verdict.problem is not None:
        raise ApiError(400, verdict.problem)
    return call._replace(dropped=verdict.dropped)


def _thinks(call: Call) -> bool:
    return any(
        block.get("type") in THINKING
        for message in call.body["messages"]
        for block in blocks_of(message["content"])
    )
