from affectgpt.annotate.quality.subtitle import subtitle_confidence
from affectgpt.annotate.sample import Sample
from affectgpt.clips.clip import Clip


def test_only_a_subtitle_of_speech_to_text_has_a_confidence() -> None:
    clip = Clip("clip", "clip.mp4", subtitle="Hello.")
    assert subtitle_confidence(Sample(clip, subtitle_confidence=0.25)) == 0.25
    assert subtitle_confidence(Sample(clip)) is None
