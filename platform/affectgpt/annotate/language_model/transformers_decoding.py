"""How the next token is chosen: among those that a schema allows, and by a seed of each row's own."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from transformers import LogitsProcessor, PreTrainedTokenizerBase

from affectgpt.annotate.language_model.transformers_loading import quoted
from affectgpt.errors import RequestError

if TYPE_CHECKING:
    from xgrammar import CompiledGrammar


class Schemas:
    """Compiles JSON schemas for the vocabulary of one model."""

    def __init__(self, model: str, tokenizer: PreTrainedTokenizerBase, vocabulary: int, stop: Sequence[int]) -> None:
        """Prepare the vocabulary, which takes up to seconds for a large one.

        Args:
            model: the model's name, for messages.
            tokenizer: the model's.
            vocabulary: tokens that the model chooses among, which may be more than the tokenizer has.
            stop: tokens that end a reply.

        Raises:
            RequestError: xgrammar is not installed.
        """
        try:
            from xgrammar import GrammarCompiler, TokenizerInfo
        except ImportError as error:
            raise RequestError(
                f"model {model}: replies that keep to a schema need xgrammar, which cannot be imported ({error}); "
                "install it"
            ) from error
        known = TokenizerInfo.from_huggingface(tokenizer, vocab_size=vocabulary, stop_token_ids=list(stop))
        self._model = model
        self._compiler = GrammarCompiler(known)
        # Of strings with a length, xgrammar's grammars let control characters through, which JSON forbids.
        self._control = torch.tensor([any(byte < 0x20 for byte in token) for token in known.decoded_vocab])

    def compile(self, schema: Mapping[str, object]) -> "CompiledGrammar":
        """Compile a schema; one that was compiled before costs nothing.

        Raises:
            RequestError: it is no JSON schema, or has parts that decoding cannot keep to.
        """
        try:
            # Blanks between the parts of JSON are fixed: where they are free, a model may go on with them for ever.
            return self._compiler.compile_json_schema(json.dumps(schema), any_whitespace=False)
        except (RuntimeError, ValueError, TypeError) as error:
            # xgrammar begins with the time and the place in its source.
            said = re.sub(r"^\[[\d:]+\] \S+ ", "", quoted(error))
            raise RequestError(f"model {self._model} cannot keep to the schema {schema}: {said}; mend it") from error

    def keep(self, schemas: Sequence[Mapping[str, object] | None]) -> "KeepToSchemas":
        """Return the step that keeps the rows of a batch to their schemas; None is free text.

        Raises:
            RequestError: as ``compile`` does.
        """
        grammars = [None if schema is None else self.compile(schema) for schema in schemas]
        return KeepToSchemas(grammars, self._control)


class Numbers(LogitsProcessor):
    """Sees that the model computes numbers."""

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Return the scores as they are.

        Raises:
            FloatingPointError: some are no numbers.
        """
        if bool(scores.isnan().any()):
            raise FloatingPointError("what it computes are no numbers")
        return scores


class KeepToSchemas(LogitsProcessor):
    """Lets each row of one batch choose only what its schema allows next; it serves one call of ``generate``."""

    def __init__(self, grammars: Sequence["CompiledGrammar | None"], never: Tensor) -> None:
        """Begin at the start of replies.

        Args:
            grammars: one for each row, None for free text.
            never: bool of shape (V,), true for tokens that no grammar may choose.
        """
        from xgrammar import GrammarMatcher, allocate_token_bitmask

        self._matchers = {row: GrammarMatcher(one) for row, one in enumerate(grammars) if one is not None}
        self._allowed = allocate_token_bitmask(len(grammars), len(never))
        self._never = never
        self._has_begun = False

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Return the scores (float of shape (B, V)) with minus infinity for tokens that are not allowed."""
        from xgrammar import apply_token_bitmask_inplace

        chosen = input_ids[:, -1].tolist()
        for row, matcher in self._matchers.items():
            # A reply that ended is followed by padding.
            if self._has_begun and not matcher.is_terminated():
                matcher.accept_token(chosen[row])
            if not matcher.is_terminated():
                matcher.fill_next_token_bitmask(self._allowed, row)
        self._has_begun = True
        rows = list(self._matchers)
        apply_token_bitmask_inplace(scores, self._allowed.to(scores.device), indices=rows)
        self._never = self._never.to(scores.device)
        scores[rows] = scores[rows].masked_fill(self._never, -torch.inf)
        return scores


class Sample(LogitsProcessor):
    """Makes the choice of the highest score a draw from the distribution at a temperature (Gumbel-max).

    Each row draws from a generator of its own, so that a reply depends on its request's seed, and not on the requests
    that share its batch.
    """

    def __init__(self, temperature: float, seeds: Sequence[int | None], device: torch.device) -> None:
        """Begin to draw.

        Args:
            temperature: of the distribution, above 0.
            seeds: one for each row; None is another one each time.
            device: where the scores are.
        """
        self._temperature = temperature
        self._generators = [_generator(seed, device) for seed in seeds]

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Return the scores (float of shape (B, V)), tempered and with noise."""
        noise = torch.empty_like(scores)
        for row, generator in zip(noise, self._generators, strict=True):
            row.exponential_(generator=generator)
        return scores.div(self._temperature).sub(noise.log())


def _generator(seed: int | None, device: torch.device) -> torch.Generator:
    generator = torch.Generator(device)
    if seed is None:
        generator.seed()
    else:
        generator.manual_seed(seed)
    return generator
