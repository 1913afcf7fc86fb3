"""A model that does every step as it should, for tests of what becomes of its replies."""

import json
from typing import Any

from affectgpt.annotate.engines import STEP_NAMES
from affectgpt.annotate.generated.prompt import load_prompt
from tests.annotate.language_model.chat_server import Answer, media_of, says

PROMPTED = [name for name in STEP_NAMES if name != "subtitle"]
"""The steps that ask a language model, once for each clip."""

REPLIES = {
    "visual_clue": "She raises her brows and looks away.",
    "acoustic_clue": "She speaks fast, at a high pitch.",
    "merge": "The picture shows raised brows and the voice is fast and high. She is nervous.",
    "translate": "画面中她扬起眉毛，声音又快又高。她很紧张。",
}
MEDIA = {"visual_clue": "image_url", "acoustic_clue": "input_audio"}


def step_of(body: dict[str, Any]) -> str:
    """The step that asks."""
    [step] = [name for name in PROMPTED if load_prompt(name).parts["system"] == body["messages"][0]["content"]]
    return step


def answer_well(body: dict[str, Any]) -> Answer:
    """Answer a step, if it shows or plays what it should and nothing else."""
    step = step_of(body)
    if set(media_of(body)) != ({MEDIA[step]} if step in MEDIA else set()):
        return says("")
    if step != "labels":
        return says(REPLIES[step])
    label = body["response_format"]["json_schema"]["schema"]["properties"]["labels"]["items"]["properties"]
    return says(json.dumps({"labels": [{"label": "nervous", "clues": label["clues"]["items"]["enum"]}]}))
