import json
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from affectgpt.annotate.language_model.transformers_decoding import KeepToSchemas, Numbers, Sample, Schemas
from affectgpt.errors import RequestError
from tests.annotate.language_model.tiny_models import tiny_chat

CPU = torch.device("cpu")
MOOD = {
    "type": "object",
    "properties": {"mood": {"enum": ["glad", "sad"]}},
    "required": ["mood"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> PreTrainedTokenizerBase:
    folder: Path = tmp_path_factory.mktemp("tokenizer")
    return AutoTokenizer.from_pretrained(tiny_chat(folder, weights=False))


def schemas(tokenizer: PreTrainedTokenizerBase, padding: int = 0) -> Schemas:
    return Schemas("tiny", tokenizer, len(tokenizer) + padding, [tokenizer.eos_token_id])


def write(step: KeepToSchemas, rows: int, vocabulary: int, tokens: int) -> Tensor:
    """Write what the step allows, drawn at random."""
    written = torch.zeros((rows, 1), dtype=torch.long)
    generator = torch.Generator().manual_seed(1)
    for _ in range(tokens):
        scores = step(written, torch.randn((rows, vocabulary), generator=generator))
        written = torch.cat([written, scores.argmax(1, keepdim=True)], dim=1)
    return written[:, 1:]


def test_rows_keep_to_their_own_schemas(tokenizer: PreTrainedTokenizerBase) -> None:
    end = tokenizer.eos_token_id
    compiled = schemas(tokenizer)
    number = {"type": "integer", "minimum": 10, "maximum": 12}
    written = write(compiled.keep([MOOD, None, number]), 3, len(tokenizer), 40).tolist()
    mood, free, counted = (tokenizer.decode(row[: row.index(end)] if end in row else row) for row in written)
    assert json.loads(mood)["mood"] in {"glad", "sad"}
    assert json.loads(counted) in {10, 11, 12}
    assert not free.startswith("{")


def test_strings_have_no_bare_control_characters(tokenizer: PreTrainedTokenizerBase) -> None:
    end = tokenizer.eos_token_id
    written = write(
        schemas(tokenizer).keep([{"type": "string", "maxLength": 30}] * 20), 20, len(tokenizer), 70
    ).tolist()
    texts = [json.loads(tokenizer.decode(row[: row.index(end)])) for row in written if end in row]
    assert len(texts) > 10
    assert max(map(len, texts)) > 5


def test_tokens_that_the_tokenizer_does_not_have_are_never_allowed(tokenizer: PreTrainedTokenizerBase) -> None:
    compiled = schemas(tokenizer, padding=70)
    scores = compiled.keep([MOOD])(torch.zeros((1, 1)), torch.zeros((1, len(tokenizer) + 70)))
    assert scores[0, len(tokenizer) :].isneginf().all()
    assert not scores.isneginf().all()


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "wonder"}, 'Unsupported type "wonder"'),
        ({"$ref": "#/nowhere"}, "Cannot find field '?nowhere"),
        ({"type": {"string"}}, "Object of type set is not JSON serializable"),
    ],
)
def test_what_is_no_schema_is_refused(tokenizer: PreTrainedTokenizerBase, schema: dict[str, object], said: str) -> None:
    with pytest.raises(RequestError, match=rf"model tiny cannot keep to the schema \{{.*\}}: {said}.*; mend it"):
        schemas(tokenizer).compile(schema)


def test_draws_follow_the_distribution_at_the_temperature() -> None:
    scores = torch.tensor([0.0, 1.0, 2.0, float("-inf")])
    step = Sample(0.5, list(range(8000)), CPU)
    drawn = step(torch.zeros((8000, 1)), scores.repeat(8000, 1)).argmax(1)
    shares = torch.bincount(drawn, minlength=4) / 8000
    torch.testing.assert_close(shares, (scores / 0.5).softmax(0), rtol=0, atol=0.02)
    assert shares[3] == 0


def test_a_row_draws_by_its_seed_wherever_it_is() -> None:
    scores = torch.randn((1, 50), generator=torch.Generator().manual_seed(1))

    def drawn(*seeds: int | None) -> list[Tensor]:
        step = Sample(1.0, seeds, CPU)
        rows = scores.repeat(len(seeds), 1)
        return list(torch.stack([step(rows, rows) for _ in range(3)], dim=1))

    alone, first, second, same = *drawn(7), *drawn(3, 7, 7)[1:], drawn(7)[0]
    assert alone.equal(first)
    assert alone.equal(second)
    assert alone.equal(same)
    assert not alone.equal(drawn(3)[0])
    assert not alone[0].equal(alone[1])
    assert not drawn(None)[0].equal(drawn(None)[0])


def test_what_is_no_number_is_noticed() -> None:
    scores = torch.tensor([[0.0, float("-inf")], [1.0, 2.0]])
    assert Numbers()(torch.zeros((2, 1)), scores).equal(scores)
    with pytest.raises(FloatingPointError, match="no numbers"):
        Numbers()(torch.zeros((2, 1)), scores * float("nan"))
