"""The settings of a service: every limit and every resource, checked before anything starts."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, DirectoryPath, Field, model_validator

from affectgpt.clips.storage import anchored
from affectgpt.errors import RequestError
from affectgpt.inference.model_files import check_model
from affectgpt.recipes.loading import Section, load

_NOT_OVERRIDES = ("model", "recipe")


class ReplicasSection(Section):
    """How many processes there are: between ``least`` and ``most``, as many as the load asks for.

    While an update is rolled out there may be more by ``surge_percent``, so that new ones are there before old ones go;
    with 0 the old ones go first.
    """

    least: int = Field(1, ge=1)
    most: int = Field(1, ge=1)
    surge_percent: int = Field(100, ge=0, le=100)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.least > self.most:
            raise ValueError(f"least {self.least} is more than most {self.most}")
        return self


class GenerationSection(Section):
    """How the model writes; ``most_tokens`` is what a request may ask for."""

    max_tokens: int = Field(256, ge=1, le=8192)
    most_tokens: int = Field(512, ge=1, le=8192)
    temperature: float = Field(0.0, ge=0, le=100)
    dtype: Literal["float32", "bfloat16", "float16"] | None = None


class VLLMSection(Section):
    """How vLLM runs the language model.

    ``memory_share`` is what weights and cache of the language model may take of a GPU's memory, encoders apart;
    ``context`` is how many tokens question and description may have together, null for the model's own; ``options``
    are further arguments of ``vllm.AsyncEngineArgs`` by name.
    """

    memory_share: float = Field(0.8, gt=0, le=1)
    context: int | None = Field(None, ge=64, le=10_000_000)
    options: Mapping[str, Any] = Field(default_factory=dict)


class ModelWorkersSection(Section):
    """The processes that hold a model each; ``num_gpus`` may be a part of a GPU, which several then share.

    ``batch_size`` clips at most are written for at a time, whatever the engine.
    """

    engine: Literal["transformers", "vllm"] = "transformers"
    vllm: VLLMSection = VLLMSection()
    replicas: ReplicasSection = ReplicasSection()
    num_cpus: float = Field(0.5, ge=0)
    num_gpus: float = Field(0.0, ge=0)
    batch_size: int = Field(8, ge=1, le=4096)
    batch_wait_s: float = Field(0.0, ge=0, le=10)


class IngressWorkersSection(Section):
    """The processes that answer HTTP; each fetches and decodes as well."""

    replicas: ReplicasSection = ReplicasSection()
    num_cpus: float = Field(0.5, ge=0)
    decoders: int = Field(1, ge=1, le=256)
    decode_timeout_s: float = Field(30.0, gt=0)
    decode_memory_gib: float = Field(2.0, gt=0)


class LimitsSection(Section):
    """What a request may be at most; more is refused, with the limit's name."""

    body_bytes: int = Field(100 << 20, ge=1)
    json_bytes: int = Field(32 << 20, ge=1)
    upload_s: float = Field(120.0, gt=0)
    request_s: float = Field(120.0, gt=0)
    duration_s: float = Field(120.0, gt=0)
    pixels: int = Field(4096 * 2176, ge=1)
    frames: int = Field(16, ge=1)
    question_chars: int = Field(1000, ge=1)
    subtitle_chars: int = Field(2000, ge=1)
    batch_clips: int = Field(64, ge=1)
    requests: int = Field(64, ge=1)


class FetchingSection(Section):
    """Where clips are fetched from; ``hosts`` are those of URLs and the buckets of object stores, none being any."""

    schemes: tuple[Literal["https", "http", "s3", "gs"], ...] = Field(("https",), strict=False)
    hosts: tuple[str, ...] = Field((), strict=False)
    private: bool = False
    ports: tuple[int, ...] = Field((80, 443), strict=False)
    redirects: int = Field(3, ge=0, le=20)
    timeout_s: float = Field(30.0, gt=0)


class KeysSection(Section):
    """Who may ask: everybody, or those whose key is in a file or an environment variable."""

    file: str | None = None
    environment: str | None = None
    requests_per_minute: float = Field(120.0, gt=0)
    concurrency: int = Field(8, ge=1)


class Recipe(Section):
    """All settings of a service but the model.

    ``name`` is what answers call it; ``samples`` is a folder of clips that the page offers to all who open it.
    """

    name: str = Field("affectgpt", min_length=1)
    generation: GenerationSection = GenerationSection()
    model_workers: ModelWorkersSection = ModelWorkersSection()
    ingress_workers: IngressWorkersSection = IngressWorkersSection()
    limits: LimitsSection = LimitsSection()
    fetching: FetchingSection = FetchingSection()
    keys: KeysSection = KeysSection()
    cors_origins: tuple[str, ...] = Field((), strict=False)
    keep_uploads: str | None = None
    samples: Annotated[DirectoryPath, Field(strict=False), AfterValidator(Path.resolve)] | None = None


class Settings(Section):
    """All settings of a service.

    Attributes:
        model: folder, URI or hub name of the model.
        recipe: everything else.
    """

    model: str
    recipe: Recipe


def read_settings(arguments: Mapping[str, Any]) -> Settings:
    """Read the arguments of the application, as ``serve run`` or the ``args`` of a configuration file give them.

    Args:
        arguments: ``model``; ``recipe``, a shipped one or a YAML file; and settings of the recipe, nested or with
            dots: ``{"limits": {"requests": 8}}`` or ``{"limits.requests": "8"}``.

    Raises:
        RequestError: the model is not there, or a setting is wrong; the message names it.
    """
    model = arguments.get("model")
    if not isinstance(model, str) or not model:
        raise RequestError("model: name the folder, the URI or the hub name of a trained model, as model=demo/model")
    overrides = {name: value for name, value in arguments.items() if name not in _NOT_OVERRIDES}
    recipe = load(Recipe, "serve", str(arguments.get("recipe", "laptop")), list(_flat(overrides)))
    check_model(model)
    return Settings(model=anchored(model), recipe=recipe)


def _flat(settings: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Write nested settings as overrides, ``a.b=value``."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{path}{name}.")
        else:
            yield f"{path}{name}={value if isinstance(value, str) else json.dumps(value)}"
