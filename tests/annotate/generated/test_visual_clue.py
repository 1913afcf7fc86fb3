import base64
from dataclasses import replace

import cv2
import numpy as np

from affectgpt.annotate.generated.visual_clue import VisualClue
from affectgpt.annotate.sample import Sample
from tests.annotate.generated.samples import media, model, sample
from tests.annotate.language_model.chat_server import media_of, says, serve, user_of

SUBTITLE = "Nobody is to know this."


def test_the_model_sees_the_frames_in_order_and_no_word() -> None:
    with serve(lambda body: says("She\nlooks up.")) as server:
        step = VisualClue(model(server))
        step.set_up()
        [found] = step.annotate([sample(subtitle=SUBTITLE, media=media(frames=3))])
    assert isinstance(found, Sample) and found.visual is not None
    assert (found.visual.text_en, found.visual.text_zh, found.visual.evidence) == ("She looks up.", "", ())
    assert found.acoustic is None
    [asked] = server.asked
    assert media_of(asked) == ["image_url"] * 3
    shown = [part["image_url"]["url"].partition(",")[2] for part in asked["messages"][1]["content"][:3]]
    pictures = [cv2.imdecode(np.frombuffer(base64.b64decode(one), np.uint8), cv2.IMREAD_COLOR) for one in shown]
    assert [round(float(picture.mean()) / 40) for picture in pictures] == [0, 1, 2]
    assert "3 frames" in user_of(asked) and "1.5 seconds" in user_of(asked)
    assert SUBTITLE not in str(asked)


def test_a_clip_without_video_is_left_as_it_is() -> None:
    with serve() as server:
        step = VisualClue(model(server))
        step.set_up()
        blind = sample(media=media(frames=0))
        assert step.annotate([blind]) == [blind]
        [seen, _] = step.annotate([replace(blind, media=media(frames=1)), blind])
    assert isinstance(seen, Sample) and seen.visual is not None
    assert len(server.asked) == 1
