"""The verbs. Library, command line and HTTP are skins over these; each checks who is asking."""

from antiphon.service.answers import Answer, read_answer
from antiphon.service.asking import Ask
from antiphon.service.deciding import Decider
from antiphon.service.options import TurnOptions, turn_options
from antiphon.service.verbs import DEFAULT_SYSTEM, LOCAL_PRINCIPAL, Service

__all__ = [
    "DEFAULT_SYSTEM",
    "LOCAL_PRINCIPAL",
    "Answer",
    "Ask",
    "Decider",
    "Service",
    "TurnOptions",
    "read_answer",
    "turn_options",
]
