"""The labels as a model gives them: open-vocabulary emotion words for a description, each with its clues."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final

from pydantic import BaseModel, ValidationError

from affectgpt.annotate.generated.cleaning import one_line, without_fence
from affectgpt.annotate.generated.generation import GeneratedStep
from affectgpt.annotate.generated.judging import Fault, Language
from affectgpt.annotate.generated.prompt import quoted
from affectgpt.annotate.language_model.engine import TextRequest
from affectgpt.annotate.sample import Label, Sample
from affectgpt.annotate.signal.wording import clean

MOST_LABELS: Final = 12
LABEL_PATTERN: Final = "^[a-z][a-z' -]{0,39}$"
NO_EMOTION: Final = "neutral"
"""The one label of a description that supports no emotion, as on the engine ``signal``."""


class _Label(BaseModel):
    label: str
    clues: list[str]


class _Labels(BaseModel):
    labels: list[_Label]


class Labels(GeneratedStep):
    """Names the emotions that the description supports; the model gets the description and the clues."""

    name: ClassVar[str] = "labels"
    language: ClassVar[Language | None] = None

    def request(self, sample: Sample) -> TextRequest:
        """Ask for the labels."""
        assert sample.description_en is not None, "the labels come after the merge"
        prompt = self.prompt()
        said = [prompt.part("description", quoted=quoted(sample.description_en))]
        for heading, clue in (("visual", sample.visual), ("acoustic", sample.acoustic)):
            if clue is not None:
                said.append(prompt.part(heading, quoted=quoted(clue.text_en)))
        names = ", ".join(f'"{name}"' for name in _clues_of(sample))
        user = "\n".join([*said, "", prompt.part("closing", clues=names)])
        return TextRequest(prompt.part("system"), user, _schema(_clues_of(sample)), self.max_tokens)

    def answer(self, sample: Sample, text: str) -> Sample | Fault:
        """Add the labels, in lower case and each once."""
        clues = _clues_of(sample)
        given = _read(text, _schema(clues))
        if given is None:
            return Fault("generation-malformed", "the reply is not the JSON that was asked for")
        found: dict[str, tuple[str, ...]] = {}
        for one in given:
            found[one.label] = tuple(dict.fromkeys((*found.get(one.label, ()), *one.clues)))
        labels = tuple(Label(name, rests_on) for name, rests_on in found.items())
        return replace(sample, labels=labels or (Label(NO_EMOTION, clues),))


def _clues_of(sample: Sample) -> tuple[str, ...]:
    """What the labels of a sample may rest on; anything where a merge of the user's own had other sources."""
    has = {
        "visual": sample.visual is not None,
        "acoustic": sample.acoustic is not None,
        "textual": bool(clean(sample.clip.subtitle or "")),
    }
    return tuple(name for name, there in has.items() if there) or tuple(has)


def _schema(clues: Sequence[str]) -> dict[str, object]:
    rests_on = {"type": "array", "items": {"type": "string", "enum": list(clues)}, "minItems": 1, "maxItems": 3}
    label = _object_of({"label": {"type": "string", "pattern": LABEL_PATTERN}, "clues": rests_on})
    return _object_of({"labels": {"type": "array", "items": label, "maxItems": MOST_LABELS}})


def _object_of(properties: dict[str, Any]) -> dict[str, object]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _read(text: str, schema: dict[str, object]) -> list[_Label] | None:
    """Read a reply; None where it does not keep to the schema, capitals and blanks aside."""
    from jsonschema import Draft202012Validator

    try:
        labels = _Labels.model_validate_json(without_fence(text)).labels
    except ValidationError:
        return None
    tidy = [_Label(label=one_line(one.label).lower(), clues=one.clues) for one in labels]
    plain = {"labels": [one.model_dump() for one in tidy]}
    return tidy if Draft202012Validator(schema).is_valid(plain) else None
