from dataclasses import replace

from affectgpt.annotate.findings import findings, with_findings
from affectgpt.annotate.sample import Clue, Decoded, Evidence, Label, Sample
from affectgpt.clips.clip import Clip

START = Sample(Clip("one", "/one.mp4", subtitle=None))
CLUE = Clue(
    "A high voice.",
    "声音很高。",
    (Evidence("fear", 0.1 + 0.2, "a high pitch", "音高"),),
    {"pitch_median_hz": 1 / 3, "speech_rate_hz": float("nan")},
)


def test_what_a_step_found_is_had_again_to_the_last_bit() -> None:
    found = replace(START, acoustic=CLUE, labels=(Label("afraid", ("acoustic",)),), description_zh="她怕。")
    again = with_findings(START, "merge", findings(START, found))
    assert again.acoustic == replace(CLUE, measurements=again.acoustic.measurements)
    assert str(again.acoustic.measurements) == str(CLUE.measurements)
    assert (again.labels, again.description_zh, again.description_en) == (found.labels, "她怕。", None)
    assert set(again.values) == {"merge"}


def test_only_what_changed_is_written_down() -> None:
    seen = replace(START, visual=CLUE)
    assert findings(seen, seen) == "{}"
    assert with_findings(seen, "translate", findings(seen, replace(seen, description_zh="她怕。"))).visual is CLUE


def test_a_step_may_find_nothing_and_that_is_known_too() -> None:
    assert with_findings(START, "visual_clue", findings(START, START)).values == {"visual_clue": "{}"}


def test_a_machine_made_subtitle_and_the_facts_of_decoding() -> None:
    clip = replace(START.clip, subtitle="Go!", subtitle_source="speech-to-text", language="en")
    heard = replace(START, clip=clip, subtitle_confidence=0.75, decoded=Decoded(2.5, True, True, 8, 7))
    again = with_findings(START, "subtitle", findings(START, heard))
    assert (again.clip, again.subtitle_confidence, again.decoded) == (clip, 0.75, heard.decoded)
