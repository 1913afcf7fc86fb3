"""What clients of the service's own routes send and get."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from affectgpt.serving.clues import Sense

NotBlank = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Wishes(BaseModel):
    """What may be asked of a clip; what is left out is as the service's settings say."""

    model_config = ConfigDict(extra="forbid")

    subtitle: str | None = Field(None, description="What is said; left out, a text track in the clip is looked for.")
    question: NotBlank | None = Field(None, description="What is asked instead of the usual question.")
    language: Literal["en", "zh"] = Field("en", description="The language of the description.")
    max_tokens: int | None = Field(None, ge=1, description="The most tokens of the description.")
    temperature: float | None = Field(None, ge=0, le=100, description="0 is the likeliest text; above, it is drawn.")


class FormWishes(Wishes):
    """The texts of a form, beside its part ``file``."""

    stream: bool = Field(False, description="Whether the answer comes as server-sent events while it is written.")


class DescribeRequest(FormWishes):
    """A clip that the service fetches, and what is asked of it."""

    uri: NotBlank = Field(description="Where the clip is, for example https://host/clip.mp4.")


class BatchRequest(Wishes):
    """Clips that the service fetches; what is asked of all of them."""

    uris: list[NotBlank] = Field(min_length=1, description="Where the clips are.")


class ClueOut(BaseModel):
    """A part of the description that says what an emotion is read from."""

    text: str
    start: int = Field(description="Its first character in the description.")
    end: int = Field(description="The character behind its last.")
    sense: Sense


class LabelOut(BaseModel):
    """An emotion that the speaker is said to have."""

    label: str
    clues: list[ClueOut] = Field(description="Empty where the description does not say what it rests on.")


class ClipOut(BaseModel):
    """What was found in the clip."""

    duration_s: float
    has_video: bool
    has_audio: bool
    seen: bool = Field(description="Whether the model saw frames of it.")
    heard: bool = Field(description="Whether the model heard its sound.")
    frame_times_s: list[float] = Field(description="The moments of the frames that were used.")
    subtitle: str | None = Field(description="What the model read as said in the clip.")


class ModelOut(BaseModel):
    """The model that answered."""

    name: str
    fingerprint: str = Field(description="Tells one model from another by its weights and settings.")
    trained_on: dict[str, str] = Field(
        description="Fingerprints of the data sets that it learnt from, by name; empty where its files do not say."
    )


class TokensOut(BaseModel):
    """How much was read and written."""

    prompt: int
    description: int


class SecondsOut(BaseModel):
    """How long each step took."""

    receive: float = Field(description="Until the clip was here.")
    decode: float = Field(description="Waiting for a decoder included.")
    wait: float = Field(description="For the model.")
    model: float = Field(description="For all clips that were described together.")
    total: float


class DescribeAnswer(BaseModel):
    """A description."""

    description: str
    language: Literal["en", "zh"]
    labels: list[LabelOut]
    clip: ClipOut
    model: ModelOut
    complete: bool = Field(description="Whether the text ended by itself, before max_tokens.")
    tokens: TokensOut
    seconds: SecondsOut
    request_id: str


class ErrorOut(BaseModel):
    """Why there is no answer."""

    type: str = Field(description="A short stable word, for example body-too-large.")
    message: str
    request_id: str


class ErrorAnswer(BaseModel):
    """An answer that is none."""

    error: ErrorOut


class BatchOutcome(BaseModel):
    """What became of one clip: an answer or an error."""

    uri: str
    answer: DescribeAnswer | None = None
    error: ErrorOut | None = None


class BatchAnswer(BaseModel):
    """What became of each clip, in the order of the request."""

    outcomes: list[BatchOutcome]
    request_id: str
