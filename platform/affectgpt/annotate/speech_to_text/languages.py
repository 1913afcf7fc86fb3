"""The languages that speech models name, as BCP 47 has them."""

import csv
from functools import cache
from importlib import resources

from affectgpt.clips.languages import language_tag


def tag_of_language(name: str | None) -> str | None:
    """Give the BCP 47 tag for a language as an endpoint names it, ``english`` or ``en``; None where it names none."""
    if name is None:
        return None
    return _tags().get(name.lower()) or language_tag(name)


@cache
def _tags() -> dict[str, str]:
    """Read the names of the languages of Whisper (https://arxiv.org/abs/2212.04356, appendix E)."""
    text = resources.files(__package__).joinpath("languages.tsv").read_text(encoding="utf-8")
    return {row["name"]: row["tag"] for row in csv.DictReader(text.splitlines(), delimiter="\t")}
