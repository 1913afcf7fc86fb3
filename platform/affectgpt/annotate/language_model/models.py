"""The language models that a recipe names, and the engines that run them."""

from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import Field, field_validator

from affectgpt.annotate.language_model.engine import TextEngine
from affectgpt.annotate.language_model.settings import VLLMSection
from affectgpt.errors import RequestError
from affectgpt.recipes.loading import Section

# The client takes a second to import, which recipes without models should not cost.
if TYPE_CHECKING:
    from affectgpt.annotate.language_model.openai import OpenAIEngine


class OpenAIModel(Section):
    """A model behind an OpenAI-compatible endpoint.

    ``model`` is its name there; ``revision`` is what the data set is to say of its version, which no endpoint tells.
    The key is never part of a recipe: it is in ``api_key_file``, which every node can read, or in OPENAI_API_KEY.
    ``concurrency`` is what one process asks at a time, and ``requests_per_minute`` the most that it asks in a minute;
    ``max_tokens`` is where each reply is cut off.
    """

    engine: Literal["openai"]
    model: str = Field(min_length=1)
    revision: str | None = None
    base_url: str = "http://localhost:8000/v1"
    api_key_file: str | None = None
    concurrency: int = Field(16, ge=1, le=1024)
    requests_per_minute: float | None = Field(None, gt=0)
    timeout_s: float = Field(120.0, gt=0)
    max_retries: int = Field(5, ge=0, le=100)
    max_tokens: int = Field(1024, ge=16, le=1_000_000)

    @field_validator("base_url")
    @classmethod
    def _is_a_url_without_a_key(cls, base_url: str) -> str:
        from affectgpt.annotate.language_model.endpoint import checked_url

        try:
            return checked_url(base_url)
        except RequestError as error:
            raise ValueError(str(error)) from None

    def asking(self) -> dict[str, Any]:
        """Return how the endpoint is asked, as ``Connection`` takes it."""
        names = {"api_key_file", "concurrency", "requests_per_minute", "timeout_s", "max_retries"}
        return self.model_dump(include=names)

    def content(self) -> dict[str, str | int | None]:
        """Return what decides the replies: not where the model is, nor how it is asked."""
        return {
            "engine": self.engine,
            "model": self.model,
            "revision": self.revision,
            "max_tokens": self.max_tokens,
        }


class Resident(Section):
    """A model that runs in processes of its own, ``actors`` of them, each with its CPUs and GPUs.

    ``model`` is a name on the Hugging Face hub or a folder that every node has. An actor takes ``clips`` at a time
    through all steps that the model does in a row.
    """

    model: str = Field(min_length=1)
    max_tokens: int = Field(1024, ge=16, le=1_000_000)
    actors: int = Field(1, ge=1)
    num_cpus: float = Field(1.0, ge=0)
    num_gpus: float = Field(0.0, ge=0)
    clips: int = Field(128, ge=1, le=100_000)


class VLLMModel(Resident, VLLMSection):
    """A model that vLLM runs, with continuous batching; see ``VLLMSection``. ``frames`` is the most of one clip."""

    engine: Literal["vllm"]
    frames: int = Field(8, ge=1, le=512)

    def loading(self) -> dict[str, Any]:
        """Return how the model is loaded, as ``VLLMEngine`` takes it."""
        return self.model_dump(include={*VLLMSection.model_fields, "frames"})

    def content(self) -> dict[str, str | int | None]:
        """Return what decides the replies."""
        return self.model_dump(include={"engine", "model", "revision", "dtype", "max_tokens"})


class TransformersModel(Resident):
    """A model that transformers runs, ``requests`` of them at once."""

    engine: Literal["transformers"]
    revision: str | None = None
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    requests: int = Field(8, ge=1, le=4096)

    def loading(self) -> dict[str, Any]:
        """Return how the model is loaded, as ``TransformersEngine`` takes it."""
        device = "cuda" if self.num_gpus > 0 else "cpu"
        return {"revision": self.revision, "device": device, "dtype": self.dtype, "batch_size": self.requests}

    def content(self) -> dict[str, str | int | None]:
        """Return what decides the replies."""
        return self.model_dump(include={"engine", "model", "revision", "dtype", "max_tokens"})


ModelSection: TypeAlias = Annotated[OpenAIModel | VLLMModel | TransformersModel, Field(discriminator="engine")]


def check_model(section: ModelSection) -> None:
    """See that the model can be asked, before anything depends on it.

    A model that is to run on the cluster is loaded there, before the first clip that it is asked about.

    Raises:
        RequestError: it cannot, as it was asked for; the message says what to do.
        JobError: its endpoint fails.
    """
    if isinstance(section, OpenAIModel):
        _openai_engine(section, has_answered=False).check()


@lru_cache(maxsize=8)
def engine_of(section: ModelSection) -> TextEngine:
    """Return this process's engine for a model that ``check_model`` found, the same one each time.

    Raises:
        RequestError: the key cannot be read on this node, or the model does not run on it.
    """
    match section:
        case OpenAIModel():
            return _openai_engine(section, has_answered=True)
        case VLLMModel():
            from affectgpt.annotate.language_model.vllm import VLLMEngine

            return VLLMEngine(section.model, **section.loading())
        case TransformersModel():
            from affectgpt.annotate.language_model.transformers import TransformersEngine

            return TransformersEngine(section.model, **section.loading())


def _openai_engine(section: OpenAIModel, has_answered: bool) -> "OpenAIEngine":
    from affectgpt.annotate.language_model.openai import OpenAIEngine

    return OpenAIEngine(section.base_url, section.model, has_answered=has_answered, **section.asking())
