"""What evaluation asks a language model: which labels mean the same, and which emotions a description supports."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from string import Template
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from affectgpt.annotate.language_model.engine import TextEngine, TextReply, TextRequest
from affectgpt.errors import JobError, RequestError
from affectgpt.evaluation.label_lists import clean_label

PROMPTS = ("group_labels", "extract_labels")

# What a label may look like, so that a model that loses its way comes to an end.
LABEL_PATTERNS: Mapping[str, str] = {"en": "^[a-z][a-z' -]{0,39}$", "zh": "^[一-鿿]{1,12}$"}
MOST_LABELS = 20

# Enough for any reply that the schema of extraction allows.
EXTRACTION_TOKENS = 1024
GROUPING_TOKENS = 256

QUOTED_CHARACTERS = 200

_HEADING = re.compile(r"^# (.+)$", re.MULTILINE)


class _Grouping(BaseModel):
    groups: list[list[str]]


class _Extraction(BaseModel):
    labels: list[str]


_Shape = TypeVar("_Shape", _Grouping, _Extraction)


def group_labels(engine: TextEngine, label_sets: Sequence[Sequence[str]]) -> list[list[list[str]]]:
    """Group the labels of each clip by meaning.

    A label that the model puts in no group is a group of its own, one that it puts in two belongs to the first, and
    words that are no label of the clip are dropped, so that each label is in exactly one group. Clips with no label or
    one are not asked about.

    Args:
        engine: runs the language model.
        label_sets: for each clip the labels of its truth and its prediction.

    Returns:
        For each clip its groups; the labels are cleaned (``clean_label``), and the first of a group stands for it.

    Raises:
        RequestError: the engine cannot be used as it was asked for.
        JobError: the engine failed, or a reply was cut off or is no grouping.
    """
    unions = [sorted(_cleaned(labels)) for labels in label_sets]
    asked = [index for index, labels in enumerate(unions) if len(labels) > 1]
    replies = engine.generate([_grouping_request(unions[index]) for index in asked])
    groups = [[labels] if labels else [] for labels in unions]
    for index, reply in zip(asked, replies, strict=True):
        labels = unions[index]
        groups[index] = _partition(labels, _read(_Grouping, reply, f"the labels {', '.join(labels)}").groups)
    return groups


def extract_labels(engine: TextEngine, descriptions: Sequence[str], language: str) -> list[list[str]]:
    """Extract the emotion words that each description supports for its speaker.

    Args:
        engine: runs the language model.
        descriptions: what is read; a blank one has no labels and is not asked about.
        language: the language of the descriptions and of the labels, ``en`` or ``zh``.

    Returns:
        For each description its labels, cleaned (``clean_label``), without repetition, in the model's order.

    Raises:
        RequestError: there is no prompt in this language, or the engine cannot be used as it was asked for.
        JobError: the engine failed, or a reply was cut off or is no list of labels.
    """
    if language not in LABEL_PATTERNS:
        raise RequestError(
            f"labels cannot be extracted in {language!r}; the languages are: {', '.join(LABEL_PATTERNS)}"
        )
    asked = [index for index, description in enumerate(descriptions) if description.strip()]
    replies = engine.generate([_extraction_request(descriptions[index].strip(), language) for index in asked])
    labels: list[list[str]] = [[] for _ in descriptions]
    for index, reply in zip(asked, replies, strict=True):
        found = _read(_Extraction, reply, f"the description {_shortened(descriptions[index])!r}")
        labels[index] = _cleaned(found.labels)
    return labels


def prompt_sha256(name: str) -> str:
    """Return the SHA-256, in hexadecimal, of the file of a prompt, one of ``PROMPTS``."""
    return hashlib.sha256(_prompt_file(name)).hexdigest()


def _grouping_request(labels: Sequence[str]) -> TextRequest:
    quoted = json.dumps(labels, ensure_ascii=False)
    group = {"type": "array", "items": {"type": "string", "enum": list(labels)}, "minItems": 1, "maxItems": len(labels)}
    schema = _object_of("groups", {"type": "array", "items": group, "minItems": 1, "maxItems": len(labels)})
    # A token is a byte or more. Each label comes once; the rest is for brackets and blanks.
    max_tokens = GROUPING_TOKENS + 2 * len(quoted.encode())
    prompt = _prompt("group_labels")
    user = Template(prompt["user"]).substitute(labels=quoted)
    return TextRequest(prompt["system"], user, schema, max_tokens)


def _extraction_request(description: str, language: str) -> TextRequest:
    label = {"type": "string", "pattern": LABEL_PATTERNS[language]}
    schema = _object_of("labels", {"type": "array", "items": label, "maxItems": MOST_LABELS})
    prompt = _prompt("extract_labels")
    user = Template(prompt[f"user {language}"]).substitute(description=description)
    return TextRequest(prompt[f"system {language}"], user, schema, EXTRACTION_TOKENS)


def _object_of(name: str, schema: Mapping[str, object]) -> dict[str, object]:
    return {"type": "object", "properties": {name: schema}, "required": [name], "additionalProperties": False}


@cache
def _prompt(name: str) -> Mapping[str, str]:
    """Return the parts of a prompt by their headings."""
    _, *parts = _HEADING.split(_prompt_file(name).decode())
    return {heading: text.strip() for heading, text in zip(parts[::2], parts[1::2], strict=True)}


def _prompt_file(name: str) -> bytes:
    return (files(__package__) / "prompts" / f"{name}.md").read_bytes()


def _read(shape: type[_Shape], reply: TextReply, subject: str) -> _Shape:
    if reply.finish_reason != "stop":
        raise JobError(
            f"the language model did not finish its reply on {subject} "
            f"(finish reason {reply.finish_reason!r}, after {len(reply.text)} characters); "
            "use another model, or have its server answer without reasoning and blanks"
        )
    try:
        return shape.model_validate_json(reply.text)
    except ValidationError:
        raise JobError(
            f"the language model's reply on {subject} is not the JSON that was asked for: {_shortened(reply.text)!r}; "
            "use a model and a server with structured output (response_format of type json_schema)"
        ) from None


def _partition(labels: Sequence[str], groups: Sequence[Sequence[str]]) -> list[list[str]]:
    """Put each label into exactly one group: the first that names it, else one of its own."""
    left = set(labels)
    partition = []
    for group in groups:
        own = [label for label in _cleaned(group) if label in left]
        left.difference_update(own)
        if own:
            partition.append(own)
    return partition + [[label] for label in labels if label in left]


def _cleaned(labels: Iterable[str]) -> list[str]:
    """Clean labels and drop empty and repeated ones."""
    return list(dict.fromkeys(cleaned for label in labels if (cleaned := clean_label(label))))


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= QUOTED_CHARACTERS else line[:QUOTED_CHARACTERS] + " ..."
