"""The prompts of the generated steps: files of Markdown whose headings name their parts."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import Template

_HEADING = re.compile(r"^# (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Prompt:
    """A prompt.

    Attributes:
        parts: its texts by their headings.
        sha256: of its file, in hexadecimal.
    """

    parts: Mapping[str, str]
    sha256: str

    def part(self, heading: str, **values: str) -> str:
        """Return a part in which each ``$name`` is replaced by its value."""
        return Template(self.parts[heading]).substitute(values)


@cache
def load_prompt(name: str) -> Prompt:
    """Read the prompt of a step from ``prompts``."""
    content = (files(__package__) / "prompts" / f"{name}.md").read_bytes()
    _, *parts = _HEADING.split(content.decode())
    texts = {heading: text.strip() for heading, text in zip(parts[::2], parts[1::2], strict=True)}
    return Prompt(texts, hashlib.sha256(content).hexdigest())


def quoted(text: str) -> str:
    """Quote a text as JSON on one line, so that nothing in it can end its quotation.

    Angle brackets are escaped too: chat templates and tokenizers know marks such as ``<|im_end|>`` wherever they stand.
    """
    return json.dumps(" ".join(text.split()), ensure_ascii=False).replace("<", "\\u003c").replace(">", "\\u003e")
