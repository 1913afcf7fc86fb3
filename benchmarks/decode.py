"""What decoding a clip costs: 8 frames of 224 pixels and 16 kHz mono sound, in CPU time, as ratios within one run.

python -m benchmarks.decode [--clips 20]

The ffmpeg command line must be there (``apt-get install ffmpeg``). Real talking heads are measured where the folder
``shared`` lies beside the project or AFFECTGPT_SHARED names it.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import av
import numpy as np
from av.audio.resampler import AudioResampler
from av.video.frame import VideoFrame

from affectgpt.clips.clip import Clip
from affectgpt.clips.decoding import DecodeSettings, decode
from affectgpt.clips.isolation import IsolatedProcess
from affectgpt.clips.media import SAMPLE_RATE
from affectgpt.clips.sampling import choose_frames, fitted_size
from tests.media import Sound, Video, write_media

PROJECT = Path(__file__).resolve().parents[1]
SETTINGS = DecodeSettings()
SPAN_S = 5.0
REPEATS = 3


def main() -> None:
    """Measure each kind of clip, the child process, and spans of long sources."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=20, help="how many clips of each kind are decoded")
    count = parser.parse_args().clips
    if shutil.which("ffmpeg") is None:
        sys.exit("decode: no ffmpeg command line to compare with; install it: apt-get install ffmpeg")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        small = write_media(work / "small.mp4", Video(frames=75, size=(224, 224)), Sound(seconds=3.0))
        large = write_media(work / "large.mp4", Video(frames=300, rate=30, size=(1280, 720)), Sound(seconds=10.0))
        shared = Path(os.environ.get("AFFECTGPT_SHARED", PROJECT.parent / "shared"))
        heads = sorted((shared / "media" / "grid").glob("*.mpg"))
        print(
            f"{'CPU ms per clip':22}{'here':>8}{'in child':>10}{'everything':>12}{'ffmpeg':>8}   here/ffmpeg (target)"
        )
        _compare("3 s, 224 px, mp4", [small] * count, 0.25, work)
        if heads:
            _compare("3 s, GRID, mpg", (heads * count)[:count], 0.35, work)
        else:
            print(f"3 s, GRID, mpg: none at {shared}")
        _compare("10 s, 720p, mp4", [large] * max(2, count // 5), 0.70, work)
        for suffix in ("mkv", "mp4"):
            _compare_lengths(work, suffix, count)


def _compare(name: str, paths: Sequence[Path], target: float, work: Path) -> None:
    """Print what a clip of one kind costs in four ways."""
    here = _cpu_ms(lambda: [_decode(path) for path in paths]) / len(paths)
    twice, once = (_cpu_ms(lambda times=times: _decode_in_child(paths, times)) for times in (2, 1))
    child = (twice - once) / len(paths)
    everything = _cpu_ms(lambda: [_decode_everything(path) for path in paths]) / len(paths)
    ffmpeg = _cpu_ms(lambda: [_decode_by_ffmpeg(path, work) for path in paths]) / len(paths)
    print(f"{name:22}{here:8.1f}{child:10.1f}{everything:12.1f}{ffmpeg:8.1f}   {here / ffmpeg:.2f} ({target:.2f})")


def _compare_lengths(work: Path, suffix: str, count: int) -> None:
    """Print what 5 s out of two hours cost, at the beginning, in the middle and at the end, against 5 s out of 10 s."""
    video, sound = Video(frames=250, size=(224, 224), options={"g": "50"}), Sound(seconds=10.0)
    short = write_media(work / f"short.{suffix}", video, sound)
    long = write_media(work / f"long.{suffix}", video, sound, repeats=720)
    base_ms, base_bytes = _span_cost(short, 4.0, count)
    for start_s in (4.0, 3600.0, 7190.0):
        ms, read = _span_cost(long, start_s, count)
        print(
            f"5 s from {start_s:g} s of a 2 h {suffix}: {ms / base_ms:.2f} times the CPU and {read / base_bytes:.2f} "
            f"times the bytes of 5 s out of 10 s ({base_ms:.1f} ms, {base_bytes / 2**20:.2f} MiB; target: 3 times)"
        )


def _span_cost(path: Path, start_s: float, count: int) -> tuple[float, float]:
    clip = Clip("clip", str(path), start_s, start_s + SPAN_S)
    before = _bytes_read()
    decode(clip, SETTINGS)
    read = _bytes_read() - before
    return _cpu_ms(lambda: [decode(clip, SETTINGS) for _ in range(count)]) / count, read


def _cpu_ms(work: Callable[[], object]) -> float:
    """Run something a few times; the least CPU time of this process and of the children that it waited for."""
    costs = []
    for _ in range(REPEATS):
        before = _cpu_s()
        work()
        costs.append(_cpu_s() - before)
    return min(costs) * 1000


def _cpu_s() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _bytes_read() -> int:
    return int(Path("/proc/self/io").read_text().split()[1])


def _decode(path: Path) -> None:
    decode(Clip("clip", str(path)), SETTINGS)


def _decode_in_child(paths: Sequence[Path], times: int) -> None:
    with IsolatedProcess() as child:
        for path in [*paths] * times:
            child.call(decode, Clip("clip", str(path)), SETTINGS)


def _decode_everything(path: Path) -> None:
    """Decode all frames with one thread and convert the wanted ones, as one would without further thought."""
    frames: list[VideoFrame] = []
    resampler = AudioResampler("fltp", "mono", SAMPLE_RATE)
    sound = []
    with av.open(path) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        video.thread_count = audio.thread_count = 1
        for frame in container.decode(video, audio):
            if isinstance(frame, VideoFrame):
                frames.append(frame)
            else:
                frame.pts = None
                sound += resampler.resample(frame)
        sound += resampler.resample(None)
        chosen = choose_frames([frame.time for frame in frames], frames[-1].time, 0.0, np.inf, SETTINGS.frames)
        width, height = fitted_size(frames[0].width, frames[0].height, video.sample_aspect_ratio, SETTINGS.frame_size)
        np.stack([frames[number].reformat(width, height, "rgb24", threads=1).to_ndarray() for number in chosen])
        np.concatenate([piece.to_ndarray()[0] for piece in sound])


def _decode_by_ffmpeg(path: Path, work: Path) -> None:
    """Ask the ffmpeg command line for the same: one process, one thread, two raw files."""
    with av.open(path) as container:
        seconds = (container.duration or av.time_base) / av.time_base
    command = ["ffmpeg", "-nostdin", "-v", "error", "-y", "-threads", "1", "-i", str(path), "-filter_threads", "1"]
    command += ["-map", "0:v:0", "-vf", f"fps={SETTINGS.frames / seconds},scale=-2:224:flags=bilinear"]
    command += ["-frames:v", str(SETTINGS.frames), "-pix_fmt", "rgb24", "-f", "rawvideo", str(work / "frames.raw")]
    command += ["-map", "0:a:0", "-ac", "1", "-ar", str(SAMPLE_RATE), "-f", "f32le", str(work / "sound.raw")]
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
