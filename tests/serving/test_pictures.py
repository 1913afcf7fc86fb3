from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from affectgpt.clips.decoding import DecodeSettings
from affectgpt.errors import ClipError
from affectgpt.serving.pictures import decode_pictures

SETTINGS = DecodeSettings(frames=3, frame_size=32)


def picture(path: Path, colour: tuple[int, int, int], size: tuple[int, int] = (96, 64)) -> str:
    Image.new("RGB", size, colour).save(path)
    return str(path)


def test_pictures_become_frames_of_one_size(tmp_path: Path) -> None:
    red = picture(tmp_path / "red.png", (255, 0, 0))
    blue = picture(tmp_path / "blue.jpg", (0, 0, 255), (50, 200))
    media = decode_pictures([red, blue], SETTINGS, 10**6)
    assert media.frames.shape == (2, 32, 48, 3)
    assert np.abs(media.frames.mean((1, 2)) - [[255, 0, 0], [0, 0, 255]]).max() < 3
    assert (media.has_video, media.has_audio, len(media.sound)) == (True, False, 0)


def test_of_many_pictures_some_are_chosen_evenly(tmp_path: Path) -> None:
    paths = [picture(tmp_path / f"{number}.png", (number, 0, 0)) for number in range(9)]
    media = decode_pictures(paths, SETTINGS, 10**6)
    assert media.frames[:, 0, 0, 0].tolist() == [1, 4, 7]


def test_what_is_no_usable_picture_says_why(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    whole = Path(picture(tmp_path / "whole.png", (1, 2, 3), (640, 480)))
    (tmp_path / "half.png").write_bytes(whole.read_bytes()[:300])
    for name, reason in (("text.png", "not-media"), ("half.png", "undecodable")):
        with pytest.raises(ClipError, match=reason):
            decode_pictures([str(tmp_path / name)], SETTINGS, 10**6)
    with pytest.raises(ClipError, match="640x480"):
        decode_pictures([str(whole)], SETTINGS, 1000)
