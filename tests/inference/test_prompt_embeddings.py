import copy
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from affectgpt.inference.affectgpt import AffectGPT
from affectgpt.inference.asking import Answer, Query
from affectgpt.inference.prompt_embeddings import (
    PromptEmbedder,
    likely_next_tokens,
    placeholders,
    save_language_model,
)
from affectgpt.inference.reading import Read
from affectgpt.model import AffectGPTForConditionalGeneration
from affectgpt.model.processing import Example
from tests.inference.test_preparing import voice  # noqa: F401
from tests.inference.trained import answer, trained_model

TOKENS = 24


@pytest.fixture
def model() -> AffectGPTForConditionalGeneration:
    """One of its own, since it is taken apart."""
    return copy.deepcopy(trained_model()[0])


@pytest.fixture
def examples(voice: Read) -> list[Example]:  # noqa: F811
    preparer = AffectGPT(*trained_model()).preparer
    prepared = [preparer.prepare(query) for query in (Query(voice, "zh"), Query(voice, question="Why?"))]
    return [one for one in prepared if isinstance(one, Example)]


def test_the_saved_language_model_says_of_the_embeddings_what_the_whole_model_says(
    model: AffectGPTForConditionalGeneration, examples: list[Example], tmp_path: Path
) -> None:
    processor = trained_model()[1]
    save_language_model(model, tmp_path)
    alone = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert list(tmp_path.glob("*.safetensors"))
    texts = []
    for embeddings in PromptEmbedder(model, processor).embed(examples):
        ids = alone.generate(
            inputs_embeds=embeddings[None],
            do_sample=False,
            max_new_tokens=TOKENS,
            eos_token_id=processor.end_token_id,
            suppress_tokens=placeholders(model),
        )
        texts.append(processor.decode_descriptions(ids, 0)[0])
    whole = AffectGPT(*trained_model())
    assert texts[0] == answer(False, True, "zh")
    batch = processor.collate(examples, "left", label=False)
    length = batch["input_ids"].shape[1]
    with torch.inference_mode():
        ids = whole.model.generate(**batch, do_sample=False, max_new_tokens=TOKENS, eos_token_id=processor.end_token_id)
    assert texts == processor.decode_descriptions(ids, length)


def test_an_answer_begins_with_the_likeliest_token(voice: Read) -> None:  # noqa: F811
    model, processor = trained_model()
    whole = AffectGPT(model, processor)
    query = Query(voice, max_new_tokens=1)
    [said] = whole.answer([query])
    example = whole.preparer.prepare(query)
    assert isinstance(said, Answer) and isinstance(example, Example)
    likely = likely_next_tokens(model, processor, example, 3)
    assert processor.tokenizer.decode(likely[:1]).strip() == said.description.text
    everything = likely_next_tokens(model, processor, example, 10**6)
    assert set(everything[-3:]) == set(placeholders(model)), "what is never written is the least likely"
