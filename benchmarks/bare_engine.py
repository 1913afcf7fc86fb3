"""Asks vLLM alone, all at once, and prints the seconds and the tokens that it took, as JSON.

    python -m benchmarks.bare_engine MODEL MAX_TOKENS < CONVERSATIONS (in the environment of vLLM)

CONVERSATIONS are JSON: a list of lists of messages. The model is loaded as ``build-dataset`` loads it.
"""

import json
import sys
import time

from affectgpt.annotate.language_model.vllm import load_vllm
from benchmarks.annotation_engine import DTYPE


def main() -> None:
    """Load the model and ask."""
    source, max_tokens = sys.argv[1:]
    began = time.perf_counter()
    model = load_vllm(
        source,
        None,
        media={"image": 8, "audio": 1},
        dtype=DTYPE,
        context=None,
        tensor_parallel=1,
        memory_share=0.9,
        options=None,
    )
    from vllm import SamplingParams

    conversations = json.load(sys.stdin)
    loaded, cpu = time.perf_counter(), time.process_time()
    outputs = model.chat(conversations, SamplingParams(temperature=0, max_tokens=int(max_tokens)), use_tqdm=False)
    spent = {"seconds": time.perf_counter() - loaded, "cpu_s": time.process_time() - cpu}
    tokens = sum(len(output.outputs[0].token_ids) for output in outputs)
    print(json.dumps({**spent, "tokens": tokens, "start_up_s": loaded - began}))


if __name__ == "__main__":
    main()
