import resource
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from affectgpt.annotate.language_model.engine import TextReply, TextRequest, is_complete
from affectgpt.annotate.language_model.transformers import TransformersEngine
from affectgpt.errors import JobError, RequestError
from tests.annotate.language_model.tiny_models import CONTEXT, tiny_chat, tiny_hearing, tiny_seeing, tiny_translating

KINDS: dict[str, Callable[[Path], Path]] = {"chat": tiny_chat, "seeing": tiny_seeing, "hearing": tiny_hearing}
CLUES = {
    "type": "object",
    "properties": {
        "mood": {"enum": ["glad", "sad"]},
        "clues": {"type": "array", "items": {"type": "string", "maxLength": 6}, "maxItems": 3},
        "sure": {"type": "boolean"},
    },
    "required": ["mood", "clues", "sure"],
    "additionalProperties": False,
}
NUMBER = {"type": "object", "properties": {"age": {"type": "integer", "minimum": 0, "maximum": 99}}} | {
    "required": ["age"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for each other after each tiny product take longer than the products, on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {kind: make(tmp_path_factory.mktemp(kind)) for kind, make in KINDS.items()}


@pytest.fixture(scope="module")
def engines(folders: dict[str, Path]) -> dict[str, TransformersEngine]:
    return {kind: TransformersEngine(str(folder), dtype="float32", batch_size=3) for kind, folder in folders.items()}


def ask(words: int = 1, max_tokens: int = 12, temperature: float = 0.0, seed: int | None = None) -> TextRequest:
    return TextRequest("Be kind.", "word " * words, None, max_tokens, temperature=temperature, seed=seed)


def frames(count: int, seed: int) -> tuple[np.ndarray, ...]:
    return tuple(np.random.default_rng(seed).integers(0, 256, (count, 24, 20, 3), np.uint8))


def sound(samples: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, samples).astype(np.float32)


def various(kind: str) -> list[TextRequest]:
    """Requests of unlike lengths, some with frames or sound where the model has that sense."""
    asked = [ask(words) for words in (1, 40, 7, 3, 20, 9, 2)]
    if kind == "seeing":
        return [replace(one, frames=frames(place % 4, place)) for place, one in enumerate(asked)]
    if kind == "hearing":
        lengths = (8000, 0, 16_000, 3000, 0, 24_000, 5000)
        heard = [sound(samples, place) if samples else None for place, samples in enumerate(lengths)]
        return [replace(one, sound=one_sound) for one, one_sound in zip(asked, heard, strict=True)]
    return asked


@pytest.mark.parametrize("kind", KINDS)
def test_replies_of_a_batch_are_those_of_requests_alone(engines: dict[str, TransformersEngine], kind: str) -> None:
    asked = various(kind)
    together = engines[kind].generate(asked)
    assert together == [engines[kind].generate([one])[0] for one in asked]
    assert len({reply.text for reply in together}) > 4
    assert {reply.finish_reason for reply in together} <= {"stop", "length"}


def test_a_reply_is_the_likeliest_token_each_time(
    engines: dict[str, TransformersEngine], folders: dict[str, Path]
) -> None:
    """Whatever sampling settings the model comes with."""
    tokenizer = AutoTokenizer.from_pretrained(folders["chat"])
    model = AutoModelForCausalLM.from_pretrained(folders["chat"], dtype="float32")
    messages = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "word "}]
    prompt = tokenizer.apply_chat_template(messages, enable_thinking=False)["input_ids"]
    tokens = list(prompt)
    with torch.inference_mode():
        for _ in range(12):
            tokens.append(int(model(torch.tensor([tokens])).logits[0, -1].argmax()))
    [reply] = engines["chat"].generate([ask()])
    text = tokenizer.decode(tokens[len(prompt) :], skip_special_tokens=True)
    assert reply == TextReply(text, "length", len(prompt), 12)


def test_pictures_and_sound_are_looked_at(engines: dict[str, TransformersEngine]) -> None:
    seen = engines["seeing"].generate([replace(ask(), frames=frames(2, seed)) for seed in range(4)])
    heard = engines["hearing"].generate([replace(ask(), sound=sound(16_000, seed)) for seed in range(4)])
    assert len({reply.text for reply in seen}) > 1
    assert len({reply.text for reply in heard}) > 1


def test_each_reply_arrives_once_and_answers_are_in_order(engines: dict[str, TransformersEngine]) -> None:
    asked = [ask(words, max_tokens) for words, max_tokens in ((1, 5), (30, 9), (2, 9), (8, 5), (4, 5), (3, 5), (50, 9))]
    came: list[tuple[int, TextReply]] = []
    replies = engines["chat"].generate(asked, lambda place, reply: came.append((place, reply)))
    assert dict(came) == dict(enumerate(replies))
    assert len(came) == len(asked)
    assert [reply.completion_tokens for reply in replies if reply.finish_reason == "length"] == [5, 9, 9, 5, 5, 5, 9]
    assert [place for place, _ in came] == [6, 1, 2, 3, 4, 5, 0]


def test_nothing_asked_is_nothing_answered(engines: dict[str, TransformersEngine]) -> None:
    assert engines["chat"].generate([]) == []


def test_random_weights_keep_to_a_schema(engines: dict[str, TransformersEngine]) -> None:
    asked = [
        replace(ask(place, 80, 1.0, place), schema=(CLUES, NUMBER, None)[place % 3], user=f"{place}?")
        for place in range(9)
    ]
    replies = engines["chat"].generate(asked)
    for request, reply in zip(asked, replies, strict=True):
        assert request.schema is None or is_complete(request, reply), reply
    assert len({reply.text for reply in replies[::3]}) == 3
    assert not any(
        is_complete(replace(one, schema=CLUES), reply) for one, reply in zip(asked[2::3], replies[2::3], strict=True)
    )


@pytest.mark.parametrize("kind", ["seeing", "hearing"])
def test_models_with_senses_keep_to_a_schema(engines: dict[str, TransformersEngine], kind: str) -> None:
    asked = [replace(one, schema=CLUES, max_tokens=80) for one in various(kind)]
    assert all(map(is_complete, asked, engines[kind].generate(asked)))


def test_a_schema_that_the_limit_cuts_off_is_not_complete(engines: dict[str, TransformersEngine]) -> None:
    request = replace(ask(max_tokens=6), schema=CLUES)
    [reply] = engines["chat"].generate([request])
    assert reply.finish_reason == "length"
    assert reply.text.startswith('{"mo')
    assert not is_complete(request, reply)


def test_a_reply_that_ends_stops_and_shows_no_special_tokens(engines: dict[str, TransformersEngine]) -> None:
    replies = engines["chat"].generate(
        [replace(ask(), schema={"const": "yes"}), replace(ask(), schema={"const": "no"})]
    )
    assert [(reply.text, reply.finish_reason) for reply in replies] == [('"yes"', "stop"), ('"no"', "stop")]
    # Each with the token that ends it.
    tokens = [reply.completion_tokens for reply in replies]
    assert all(count is not None and 2 <= count <= 6 for count in tokens)


def test_a_seed_decides_a_reply_whatever_is_asked_beside_it(engines: dict[str, TransformersEngine]) -> None:
    drawn = [ask(4, 12, 0.8, seed) for seed in (1, 2, 3, 1)]
    replies = engines["chat"].generate([ask(6, 12), *drawn, ask(9, 12, 1.5, 1)])
    assert replies[1] == replies[4]
    assert len({reply.text for reply in replies[1:4]}) == 3
    assert replies[1:5] == [engines["chat"].generate([one])[0] for one in drawn]
    assert replies[0] == engines["chat"].generate([ask(6, 12)])[0]


def test_without_a_seed_replies_differ(engines: dict[str, TransformersEngine]) -> None:
    replies = engines["chat"].generate([ask(4, 12, 1.0) for _ in range(4)])
    assert len({reply.text for reply in replies}) > 1


def test_a_low_temperature_takes_the_likeliest(engines: dict[str, TransformersEngine]) -> None:
    [greedy] = engines["chat"].generate([ask(4)])
    drawn = engines["chat"].generate([ask(4, temperature=1e-4, seed=seed) for seed in range(5)])
    assert Counter(drawn) == {greedy: 5}


def test_a_prompt_that_does_not_fit_is_answered_by_nothing(engines: dict[str, TransformersEngine]) -> None:
    [short] = engines["chat"].generate([ask(1)])
    replies = engines["chat"].generate([ask(1), ask(CONTEXT), ask(2)])
    assert replies[0] == short
    assert (replies[1].text, replies[1].finish_reason, replies[1].completion_tokens) == ("", "length", 0)
    assert (replies[1].prompt_tokens or 0) > CONTEXT
    assert replies[2].text


def test_a_reply_ends_where_the_context_does(engines: dict[str, TransformersEngine]) -> None:
    asked = [replace(ask(words, 400), user="a" * words) for words in (1, 300)]
    [short, long] = engines["chat"].generate(asked)
    assert [short] == engines["chat"].generate(asked[:1])
    assert long.finish_reason == "length"
    assert (long.prompt_tokens or 0) + (long.completion_tokens or 0) == CONTEXT


def test_identity(engines: dict[str, TransformersEngine], folders: dict[str, Path]) -> None:
    assert engines["chat"].identity == {"engine": "transformers", "model": str(folders["chat"]), "revision": "local"}


def test_what_the_model_cannot_be_asked_is_refused_before_anything_is_answered(
    engines: dict[str, TransformersEngine],
) -> None:
    came: list[int] = []
    bad = (
        replace(ask(), frames=frames(1, 0)),
        replace(ask(), sound=sound(99, 0)),
        replace(ask(), schema={"type": "x"}),
    )
    for request, said in zip(bad, ("no pictures", "no sound", "cannot keep to the schema"), strict=True):
        with pytest.raises(RequestError, match=said):
            engines["chat"].generate([ask(), request], lambda place, _: came.append(place))
    assert came == []


def test_models_that_cannot_be_used_are_refused(tmp_path: Path, folders: dict[str, Path]) -> None:
    with pytest.raises(RequestError, match="nowhere cannot be loaded"):
        TransformersEngine(str(tmp_path / "nowhere"))
    with pytest.raises(RequestError, match="does not write text"):
        TransformersEngine(str(tiny_translating(tmp_path / "t5")))
    with pytest.raises(RequestError, match="has no chat template"):
        TransformersEngine(str(tiny_chat(tmp_path / "base", template=None)))
    with pytest.raises(RequestError, match="batch_size is 0; set it to 1 or more"):
        TransformersEngine(str(folders["chat"]), batch_size=0)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there(folders: dict[str, Path]) -> None:
    with pytest.raises(RequestError, match="there is no GPU here; set its device to cpu"):
        TransformersEngine(str(folders["chat"]), device="cuda")


def test_weights_that_compute_no_numbers_are_an_error_of_the_job(tmp_path: Path) -> None:
    file = tiny_chat(tmp_path) / "model.safetensors"
    weights = load_file(file)
    weights["model.norm.weight"][0] = float("nan")
    save_file(weights, file, {"format": "pt"})
    with pytest.raises(
        JobError, match=r"what it computes are no numbers in torch\.float32; load it with another dtype"
    ):
        TransformersEngine(str(tmp_path)).generate([ask()])


def test_memory_that_is_short_is_an_error_of_the_job_that_names_the_batch_size(folders: dict[str, Path]) -> None:
    engine = TransformersEngine(str(folders["chat"]), dtype="float32", batch_size=2000)
    [alone] = engine.generate([ask(80, 2)])
    limits = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    # What two thousand prompts of this length take at once is some gigabytes.
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + 2**28, limits[1]))
    try:
        with pytest.raises(
            JobError, match="memory was short for 2000 requests at once on cpu; set batch_size below 2000"
        ):
            engine.generate([ask(80, 2)] * 2000)
        assert engine.generate([ask(80, 2)]) == [alone]
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
