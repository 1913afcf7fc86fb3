import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from affectgpt.annotate.generated.labels import MOST_LABELS, Labels
from affectgpt.annotate.language_model.models import OpenAIModel
from affectgpt.annotate.sample import Label, Sample
from affectgpt.errors import ClipError
from tests.annotate.generated.samples import model, sample
from tests.annotate.language_model.chat_server import says, serve

TOLD = {"visual": "She frowns.", "acoustic": "She is loud.", "subtitle": "Enough!", "description_en": "She is angry."}


def labelled(reply: str, **known: Any) -> Sample | ClipError:
    with serve(lambda body: says(reply)) as server:
        step = Labels(model(server))
        step.set_up()
        [found] = step.annotate([sample(**(known or TOLD))])
    return found


def reply(*labels: tuple[str, list[str]]) -> str:
    return json.dumps({"labels": [{"label": label, "clues": clues} for label, clues in labels]}, ensure_ascii=False)


def labels_of(found: Sample | ClipError) -> tuple[Label, ...]:
    assert isinstance(found, Sample), found
    return found.labels


def test_labels_come_with_the_clues_that_they_rest_on() -> None:
    found = labelled(reply(("angry", ["visual", "textual"]), ("impatient", ["acoustic"])))
    assert labels_of(found) == (Label("angry", ("visual", "textual")), Label("impatient", ("acoustic",)))


def test_labels_are_tidied_and_named_once() -> None:
    found = labelled(reply((" Angry", ["visual"]), ("ill  at ease", ["visual", "visual"]), ("angry", ["acoustic"])))
    assert labels_of(found) == (Label("angry", ("visual", "acoustic")), Label("ill at ease", ("visual",)))


def test_a_code_fence_does_no_harm() -> None:
    assert labels_of(labelled("```json\n" + reply(("angry", ["visual"])) + "\n```")) == (Label("angry", ("visual",)),)


def test_no_emotion_is_neutral_and_rests_on_all_that_there_is() -> None:
    assert labels_of(labelled(reply())) == (Label("neutral", ("visual", "acoustic", "textual")),)


@pytest.mark.parametrize(
    "bad",
    [
        "angry, sad",
        '{"labels": ["angry"]}',
        '{"labels": [{"label": "angry"}]}',
        '{"labels": [{"label": "angry", "clues": []}]}',
        '{"emotions": []}',
        "[" * 100_000,
        reply(("angry", ["smell"])),
        reply(("生气", ["visual"])),
        reply(("She is angry because he came too late again, as so often", ["visual"])),
        reply(*[(f"angry {chr(97 + n)}", ["visual"]) for n in range(MOST_LABELS + 1)]),
    ],
)
def test_what_is_not_asked_for_is_malformed(bad: str) -> None:
    found = labelled(bad)
    assert isinstance(found, ClipError)
    assert found.reason in ("generation-malformed", "generation-repeats")
    assert bad[:40] in found.message


def test_a_label_cannot_rest_on_a_clue_that_is_missing() -> None:
    known = {"acoustic": "She is loud.", "description_en": "She is angry."}
    assert labels_of(labelled(reply(("angry", ["acoustic"])), **known)) == (Label("angry", ("acoustic",)),)
    for absent in ("visual", "textual"):
        found = labelled(reply(("angry", [absent])), **known)
        assert isinstance(found, ClipError) and found.reason == "generation-malformed"


def test_what_is_asked() -> None:
    request = Labels(OpenAIModel(engine="openai", model="tiny")).request(sample(**TOLD))
    assert request.schema is not None
    Draft202012Validator.check_schema(request.schema)
    for text in ("She frowns.", "She is loud.", "She is angry."):
        assert json.dumps(text) in request.user
    assert "Enough!" not in request.user
    assert '"visual", "acoustic", "textual"' in request.user
    heard = Labels(OpenAIModel(engine="openai", model="tiny")).request(sample(acoustic="a", description_en="b"))
    assert "picture" not in heard.user and '"acoustic"' in heard.user and '"visual"' not in heard.user
