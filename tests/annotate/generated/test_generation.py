import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from affectgpt.annotate.generated.generation import AGAIN_SEED, AGAIN_TEMPERATURE, GeneratedStep
from affectgpt.annotate.generated.judging import Fault
from affectgpt.annotate.generated.prompt import load_prompt
from affectgpt.annotate.language_model.engine import TextRequest
from affectgpt.annotate.language_model.models import OpenAIModel, engine_of
from affectgpt.annotate.sample import Sample
from affectgpt.errors import ClipError, JobError
from tests.annotate.generated.samples import model, sample
from tests.annotate.language_model.chat_server import Answer, ChatServer, fails, says, serve, user_of


class Describe(GeneratedStep):
    """Asks about every clip but "silent", refuses "hopeless", and takes no reply that says "wrong"."""

    name = "merge"

    def request(self, sample: Sample) -> TextRequest | ClipError | None:
        if sample.clip.clip_id == "hopeless":
            return ClipError("hopeless", "nothing to be done")
        if sample.clip.clip_id == "silent":
            return None
        return TextRequest("describe", sample.clip.clip_id, None, self.max_tokens)

    def answer(self, sample: Sample, text: str) -> Sample | Fault:
        if "wrong" in text:
            return Fault("generation-malformed", "the reply is wrong")
        return replace(sample, description_en=text)


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with serve(lambda body: says(f"It is {user_of(body)}.")) as running:
        yield running


def annotate(server: ChatServer, samples: Sequence[Sample], **settings: Any) -> Sequence[Sample | ClipError]:
    step = Describe(model(server, **settings))
    step.set_up()
    return step.annotate(samples)


def described(outcome: Sample | ClipError) -> str | None:
    assert isinstance(outcome, Sample), outcome
    return outcome.description_en


def rejected(outcome: Sample | ClipError) -> tuple[str, str]:
    assert isinstance(outcome, ClipError), outcome
    return outcome.reason, outcome.message


def test_each_sample_gets_its_own_reply(server: ChatServer) -> None:
    outcomes = annotate(server, [sample(str(n)) for n in range(20)])
    assert [described(one) for one in outcomes] == [f"It is {n}." for n in range(20)]
    assert {(body["temperature"], body["max_tokens"], "seed" in body) for body in server.asked} == {(0, 1024, False)}


def test_a_batch_is_under_way_at_once(server: ChatServer) -> None:
    together = threading.Barrier(5)

    def wait_for_the_others(body: dict[str, Any]) -> Answer:
        together.wait(30)
        return says("here")

    server.chat = wait_for_the_others
    assert [described(one) for one in annotate(server, [sample(str(n)) for n in range(5)])] == ["here"] * 5


def test_what_there_is_nothing_to_ask_about_is_not_asked(server: ChatServer) -> None:
    quiet = sample("silent")
    one, silent, hopeless = annotate(server, [sample("one"), quiet, sample("hopeless")])
    assert described(one) == "It is one."
    assert silent is quiet
    assert rejected(hopeless) == ("hopeless", "nothing to be done")
    assert server.users() == ["one"]
    assert annotate(server, []) == []


def test_a_bad_reply_is_asked_for_once_more_and_sampled(server: ChatServer) -> None:
    def better_when_sampled(body: dict[str, Any]) -> Answer:
        if user_of(body) == "two" and body["temperature"] == 0:
            return says("no " * 500, "length")
        return says(f"It is {user_of(body)}.")

    server.chat = better_when_sampled
    outcomes = annotate(server, [sample("one"), sample("two"), sample("three")])
    assert [described(one) for one in outcomes] == ["It is one.", "It is two.", "It is three."]
    assert sorted(server.users()) == ["one", "three", "two", "two"]
    again = server.asked[-1]
    assert (user_of(again), again["temperature"], again["seed"]) == ("two", AGAIN_TEMPERATURE, AGAIN_SEED)


@pytest.mark.parametrize(
    ("answer", "reason", "said"),
    [
        (says(" \n"), "generation-empty", "it is empty"),
        (says("It goes on", "length"), "generation-truncated", "it begins 'It goes on'"),
        (says("I'm sorry, but I can't."), "generation-refused", "declined to answer"),
        (fails(400, "the response was filtered", "content_filter"), "generation-refused", "declined to answer"),
        (says("no " * 400), "generation-repeats", "again and again"),
        (says("他很高兴。"), "generation-wrong-language", "not in English (it begins '他很高兴。')"),
        (says("it is wrong"), "generation-malformed", "the reply is wrong"),
        (says("a" + "\x00\ufffd" + "\n b wrong"), "generation-malformed", "it begins 'a b wrong'"),
    ],
)
def test_a_reply_that_is_bad_twice_rejects_its_clip_alone(
    server: ChatServer, answer: Answer, reason: str, said: str
) -> None:
    server.chat = lambda body: answer if user_of(body) == "bad" else says("fine")
    one, bad, two = annotate(server, [sample("one"), sample("bad"), sample("two")])
    assert (described(one), described(two)) == ("fine", "fine")
    found, message = rejected(bad)
    assert found == reason
    assert message.startswith("/in/bad.mp4: step merge, model tiny, asked twice: ") and said in message
    assert len(message) < 400
    assert server.users().count("bad") == 2


def test_a_failing_endpoint_fails_the_job_and_not_the_clips(server: ChatServer) -> None:
    server.chat = lambda body: fails(500, "out of memory")
    with pytest.raises(JobError, match=r"out of memory.*same command continues"):
        annotate(server, [sample("one")])


def test_an_endpoint_that_is_gone_was_lost_on_the_way() -> None:
    with serve() as server:
        pass
    with pytest.raises(JobError, match=r"lost on the way.*same command continues"):
        annotate(server, [sample("one")])


def test_steps_of_one_model_share_its_engine(server: ChatServer) -> None:
    assert engine_of(model(server)) is engine_of(model(server))
    assert engine_of(model(server)) is not engine_of(model(server, max_tokens=64))


def test_provenance_names_model_prompt_and_sampling() -> None:
    settings = OpenAIModel(engine="openai", model="tiny", revision="abc")
    said = Describe(settings).provenance()
    assert (said.engine, said.model, said.revision) == ("openai", "tiny", "abc")
    assert said.prompt_sha256 == load_prompt("merge").sha256
    assert said.sampling == "temperature 0; again 0.7"
    assert Describe(settings.model_copy(update={"revision": None})).provenance().revision == "unknown"
