"""The filters of a data set: which annotated clips are left out. Every one is off until the recipe names it.

Filtering is the largest gain that the successor of AffectGPT measured (Z. Lian et al., "AffectGPT: A New Dataset,
Model, and Benchmark for Emotion Understanding with Multimodal Large Language Models", ICML 2025, arXiv 2501.16566):
it left out clips whose visible person is not the speaker, both tails of description length, and descriptions whose
emotion or sentiment a vote of classifiers denied. The thresholds below are set where checked data hardly loses
anything: the 332 descriptions of EMER-Fine, and eleven talking heads of the GRID corpus.
"""

from pydantic import Field, model_validator

from affectgpt.recipes.loading import Section


class DescriptionLength(Section):
    """Leave out the shortest and longest descriptions: a share of the whole data set, and what is beyond fixed limits.

    A share of 0 leaves that tail alone; of equally long descriptions all stay or, beyond a fixed limit, all go. The
    checked descriptions of EMER-Fine have 62 to 521 words, half of them fewer than 220.
    """

    shortest_share: float = Field(0.05, ge=0, lt=0.5)
    longest_share: float = Field(0.05, ge=0, lt=0.5)
    fewest_words: float | None = Field(None, ge=0)
    most_words: float | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _limits_leave_something(self) -> "DescriptionLength":
        if self.fewest_words is not None and self.most_words is not None and self.fewest_words > self.most_words:
            raise ValueError(
                f"fewest_words is {self.fewest_words:g} and most_words {self.most_words:g}, which leaves out everything"
            )
        return self


class Emotionless(Section):
    """Leave out descriptions that affirm fewer different emotion words; of EMER-Fine, 3 of 332 affirm none."""

    fewest: float = Field(1, ge=0)


class ClueDisagreement(Section):
    """Leave out clips whose visual and acoustic clue agree less in sentiment, on a scale from -1 to 1.

    Of the checked descriptions of EMER-Fine, 1.5 % agree less than -0.5 in their visual and acoustic parts; where these
    are put together at random, 9.5 % do. The faint visual evidence of the engine signal hardly ever gets so low.
    """

    least: float = Field(-0.5, ge=-1, le=1)


class NoFace(Section):
    """Leave out clips that show a face in a smaller share of the frames.

    Talking heads show one in all frames; a stray hit of the detector is one frame of eight.
    """

    least: float = Field(0.3, ge=0, le=1)


class NotTheSpeaker(Section):
    """Leave out clips in which a voice is heard while the mouth of the person in view moves less.

    Talking heads of GRID score 0.12 to 0.37, and 0.05 or more at half the size and a low bitrate. The same people
    before and after they speak, with their voice laid over, score 0.06 or less, and seven in ten of them below 0.03.
    In a picture of some 90 x 72 pixels a mouth is too blurred to be judged: leave the filter off for such clips.
    """

    least: float = Field(0.03, ge=0)


class UnsureSubtitle(Section):
    """Leave out clips of whose subtitle speech to text is less sure; subtitles from elsewhere are not judged."""

    least: float = Field(0.5, ge=0, le=1)


class NearDuplicate(Section):
    """Leave out what differs at most so much, in picture and in sound, from a clip that stays.

    The difference is a share of the bits that are set in either fingerprint. Copies of GRID clips at half the size in
    other codecs differ by 0.05 to 0.35. Of 142,845 pairs of recordings in EmoDB, among them the same sentence by the
    same speaker, none differs by less than 0.46, and of 55 pairs of GRID clips none by less than 0.56.
    """

    most_difference: float = Field(0.35, ge=0, lt=1)


class FiltersSection(Section):
    """Which filters apply; a clip is left out by the first that it fails, in this order.

    A filter that is null is off, and one that is ``{}`` is on with its default. What could not be measured of a clip
    (the face of one without a picture) is no reason to leave it out.
    """

    description_length: DescriptionLength | None = None
    emotionless: Emotionless | None = None
    clue_disagreement: ClueDisagreement | None = None
    no_face: NoFace | None = None
    not_the_speaker: NotTheSpeaker | None = None
    unsure_subtitle: UnsureSubtitle | None = None
    near_duplicate: NearDuplicate | None = None

    def measures(self) -> tuple[str, ...]:
        """Name the measures of ``affectgpt.annotate.quality.measures`` that the filters need."""
        return tuple(measure for name, measure in _MEASURES.items() if getattr(self, name) is not None)

    def needs_fingerprint(self) -> bool:
        """Tell whether the filters need fingerprints."""
        return self.near_duplicate is not None


_MEASURES = {
    "description_length": "description_words",
    "emotionless": "emotion_words",
    "clue_disagreement": "clue_agreement",
    "no_face": "face_in_view",
    "not_the_speaker": "mouth_movement",
    "unsure_subtitle": "subtitle_confidence",
}
