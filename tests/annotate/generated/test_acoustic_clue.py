import base64
import io
import wave

from affectgpt.annotate.generated.acoustic_clue import AcousticClue
from affectgpt.annotate.sample import Sample
from tests.annotate.generated.samples import media, model, sample
from tests.annotate.language_model.chat_server import media_of, says, serve, user_of

SUBTITLE = "Nobody is to know this."


def test_the_model_hears_the_sound_and_reads_no_word() -> None:
    with serve(lambda body: says("She speaks slowly.")) as server:
        step = AcousticClue(model(server))
        step.set_up()
        [found] = step.annotate([sample(subtitle=SUBTITLE, media=media(sound_s=1.5))])
    assert isinstance(found, Sample) and found.acoustic is not None
    assert (found.acoustic.text_en, found.acoustic.evidence, found.visual) == ("She speaks slowly.", (), None)
    [asked] = server.asked
    assert media_of(asked) == ["input_audio"]
    sound = asked["messages"][1]["content"][0]["input_audio"]
    with wave.open(io.BytesIO(base64.b64decode(sound["data"]))) as file:
        assert (sound["format"], file.getnframes(), file.getframerate()) == ("wav", 24_000, 16_000)
    assert "1.5 seconds" in user_of(asked)
    assert SUBTITLE not in str(asked)


def test_a_clip_without_sound_is_left_as_it_is() -> None:
    with serve() as server:
        step = AcousticClue(model(server))
        step.set_up()
        mute = sample(media=media(sound_s=0))
        assert step.annotate([mute]) == [mute]
    assert server.asked == []
