import threading
from pathlib import Path

import pytest

from affectgpt.clips.clip import Clip
from affectgpt.clips.decoding import DecodeSettings
from affectgpt.clips.probing import probe
from affectgpt.errors import ClipError
from affectgpt.inference.reading import Asked, ClipLimits, ClipReader, Read
from tests.media import Sound, Video, read_number, write_media

SETTINGS = DecodeSettings(frames=3, frame_size=64)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("files")
    return [write_media(folder / f"{number}.mkv", Video(frames=10 * number), Sound()) for number in range(1, 6)]


def test_clips_come_in_the_order_in_which_they_were_asked_for(files: list[Path]) -> None:
    with ClipReader(decoders=2) as reader:
        found = reader.read([Asked(file) for file in files], SETTINGS)
        again = reader.read([Asked(file) for file in reversed(files)], SETTINGS)
    for number, one in enumerate(found, start=1):
        assert isinstance(one, Read)
        assert one.clip == Clip(str(number), str(files[number - 1]))
        middle = read_number(one.media.frames[1])
        assert abs(middle - 5 * number) <= 1
    assert [one.clip.clip_id for one in again if isinstance(one, Read)] == ["5", "4", "3", "2", "1"]


def test_a_closed_reader_reads_again(files: list[Path]) -> None:
    reader = ClipReader()
    before = threading.active_count()
    for _ in range(2):
        (found,) = reader.read([Asked(files[0])], SETTINGS)
        assert isinstance(found, Read)
        reader.close()
    assert threading.active_count() == before
    assert reader.read([], SETTINGS) == []


def test_a_limit_of_memory_costs_one_clip(files: list[Path]) -> None:
    with ClipReader(timeout_s=20.0, memory_gib=0.001) as reader:
        (found,) = reader.read([Asked(files[0], subtitle="")], SETTINGS)
    assert isinstance(found, ClipError)
    assert found.reason.startswith("decoder-")


def test_a_clip_that_is_larger_than_allowed_is_refused_before_it_is_decoded(files: list[Path]) -> None:
    for limits, reason in ((ClipLimits(longest_s=1.0), "too-long"), (ClipLimits(most_pixels=95 * 64), "too-large")):
        with ClipReader(limits=limits) as reader:
            (found,) = reader.read([Asked(files[4])], SETTINGS)
        assert isinstance(found, ClipError) and found.reason == reason
    with ClipReader(limits=ClipLimits(longest_s=3.0, most_pixels=96 * 64)) as reader:
        (found,) = reader.read([Asked(files[4])], SETTINGS)
    assert isinstance(found, Read)


def test_what_else_has_to_be_decoded_runs_in_the_same_processes(files: list[Path]) -> None:
    with ClipReader() as reader:
        reader.start()
        assert reader.call(probe, str(files[0])).has_audio
        with pytest.raises(ClipError, match="not-found"):
            reader.call(probe, str(files[0].with_name("nowhere.mkv")))
