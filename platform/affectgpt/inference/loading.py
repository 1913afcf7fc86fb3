"""Loads a trained model: its weights onto a device, and its processor."""

import torch
from safetensors import SafetensorError

from affectgpt.errors import RequestError
from affectgpt.inference.model_files import local_source
from affectgpt.model import AffectGPTForConditionalGeneration, AffectGPTProcessor, load_strictly

_LOADING_ERRORS = (OSError, ValueError, KeyError, TypeError, ImportError, SafetensorError)


def load_model(
    path: str, device: str | torch.device | None = None, dtype: str | torch.dtype | None = None
) -> tuple[AffectGPTForConditionalGeneration, AffectGPTProcessor]:
    """Load a model and its processor.

    Args:
        path: the folder of a model, its URI (``s3://``, ``gs://``), or its name on the Hugging Face hub.
        device: where it runs; None is the GPU where there is one.
        dtype: of the weights, for example ``bfloat16``; None is what they were saved in.

    Raises:
        RequestError: there is no such model, it lacks files or weights, there is no such device or dtype, or the
            device has not enough memory.
    """
    place = _device(device)
    wanted = _dtype(dtype)
    with local_source(path) as source:
        try:
            processor = AffectGPTProcessor.from_pretrained(source)
            model = load_strictly(source, dtype=wanted)
        except _LOADING_ERRORS as error:
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise RequestError(
                f"model {path}: it cannot be loaded ({reason}); name a model that train wrote"
            ) from error
    return move(model, place, path), processor


def move(
    model: AffectGPTForConditionalGeneration, device: torch.device, path: str
) -> AffectGPTForConditionalGeneration:
    """Move a model to a device.

    Args:
        model: the model.
        device: where it shall be.
        path: what it is called in errors.

    Raises:
        RequestError: the device has not enough memory.
    """
    try:
        torch.nn.Module.to(model, device)
    except torch.OutOfMemoryError as error:
        raise RequestError(
            f"model {path}: {device} has not enough memory for it; give it a whole GPU, a larger one, or weights of "
            "another dtype, as bfloat16"
        ) from error
    return model


def context_of(model: AffectGPTForConditionalGeneration) -> int | None:
    """How many tokens question and description may have together, or None where nothing limits them."""
    found: int | None = getattr(model.config.text_config, "max_position_embeddings", None)
    return found


def _device(device: str | torch.device | None) -> torch.device:
    try:
        place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    except RuntimeError as error:
        raise RequestError(f"device {device}: there is no such kind ({error}); give cpu or cuda") from error
    if place.type == "cuda" and (place.index or 0) >= torch.cuda.device_count():
        raise RequestError(
            f"device {device}: {torch.cuda.device_count()} GPUs are seen here; give cpu, or leave it out"
        )
    return place


def _dtype(dtype: str | torch.dtype | None) -> torch.dtype | None:
    found = getattr(torch, dtype, None) if isinstance(dtype, str) else dtype
    if (dtype is None or isinstance(found, torch.dtype)) and (found is None or found.is_floating_point):
        return found
    raise RequestError(f"dtype {dtype}: it is no type of weights; give float32, bfloat16 or float16")
