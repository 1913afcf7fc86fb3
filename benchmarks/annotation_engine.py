"""Output tokens per second of ``build-dataset`` with a model in vLLM, beside vLLM alone on the same prompts.

    python -m benchmarks.annotation_engine [--clips 768] [--rounds 3] [--set models.writer.clips=64 ...]

Both run vLLM on one core, and take turns. The job's time begins when its model is loaded and ends when the last outcome
is written; decoding, faces and voices on the other core are part of it. vLLM alone gets the prompts of all clips at
once: those that the job asked, made again from the data set that it wrote. What the job asks twice counts with it.
CPU seconds of the process that the engine is in are given too, since others may keep the machine busy.

The model has random weights and writes English prose that comes to an end (see ``benchmarks.wordy_model``), so that
its replies are accepted. It does the merge alone: Chinese is beyond it, and steps that share a model stand in a row.
Translation and labels are left to engines that do nothing.
"""

import argparse
import csv
import fcntl
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil
import pyarrow.parquet as pq

from affectgpt.annotate.generated.merge import Merge
from affectgpt.annotate.language_model.engine import TextRequest
from affectgpt.annotate.language_model.vllm import LOADING_LOCK
from affectgpt.annotate.sample import Clue, Sample
from affectgpt.clips.clip import Clip
from affectgpt.dataset.recipe import Recipe, load_recipe
from affectgpt.demo.sentences import SENTENCES
from benchmarks.figures import show
from benchmarks.many_clips import PROJECT
from benchmarks.process_tree import measure
from tests.integration import vllm_server
from tests.integration.made import write_clips

STEP, MODEL = "merge", "writer"
DTYPE = "float32"
MAX_TOKENS = 512
COLUMNS = ["clip_id", "uri", "subtitle", "visual_clue", "acoustic_clue"]
ENVIRONMENT = vllm_server.SETTINGS | {
    "PYTHONPATH": os.pathsep.join((str(PROJECT / "platform"), str(PROJECT))),
    "RAY_ADDRESS": "local",
    "VLLM_CPU_KVCACHE_SPACE": "4",
    # Ray's workers give way to other processes; vLLM alone does not.
    "RAY_worker_niceness": "0",
}


@dataclass(frozen=True, slots=True)
class Run:
    """What writing so many tokens took, from when the model was loaded.

    Attributes:
        tokens: how many.
        seconds: by the clock.
        cpu_s: CPU time of the process that the engine is in.
        step_s: of the seconds, those in the step itself.
        start_up_s: seconds before the model was loaded.
    """

    tokens: int
    seconds: float
    cpu_s: float
    step_s: float
    start_up_s: float

    def print(self, name: str) -> None:
        """Say what it was."""
        rate = f"{self.tokens:,} tokens in {self.seconds:.0f} s, {self.cpu_s:.0f} s of the engine's CPU"
        outside = f"{100 * (1 - self.step_s / self.seconds):.1f} % of the time outside of the step"
        print(f"{name:6}{rate}; {outside}; start-up {self.start_up_s:.0f} s", flush=True)


class WatchedEngine:
    """Watches a job's engine from outside: while it loads a model, a file is locked.

    Attributes:
        loaded_at: when that was done, in seconds of the system's clock; None before it.
        cpu_s: CPU time of its process since then.
    """

    def __init__(self, folder: Path) -> None:
        """Watch a job whose temporary files are in this folder."""
        self._lock = folder / LOADING_LOCK
        self._loading_cpu_s = 0.0
        self.loaded_at: float | None = None
        self.cpu_s = 0.0

    def look(self) -> None:
        """See how far it is now."""
        if not self._lock.exists():
            return
        cpu_s = max((_cpu_seconds(process) for process in psutil.Process().children(recursive=True)), default=0.0)
        with self._lock.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                self.loaded_at, self._loading_cpu_s = None, cpu_s
                return
        self.loaded_at = self.loaded_at or time.time()
        self.cpu_s = max(self.cpu_s, cpu_s - self._loading_cpu_s)


def _cpu_seconds(process: psutil.Process) -> float:
    """CPU time of a process that is a stage's actor; 0 of others."""
    try:
        times = process.cpu_times()
        return times.user + times.system if any("StageActor" in word for word in process.cmdline()) else 0.0
    except psutil.NoSuchProcess:
        return 0.0


def write_manifest(folder: Path, count: int) -> Path:
    """Make clips, each with a subtitle of two sentences, and list them."""
    write_clips(folder, count)
    sentences = [sentence for of_emotion in SENTENCES.values() for sentence in of_emotion["en"]]
    manifest = folder / "manifest.csv"
    with manifest.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("uri", "subtitle"))
        for number in range(count):
            pair, first = divmod(number, len(sentences))
            second = (first + pair + 1) % len(sentences)
            rows.writerow((f"{number:05d}.mp4", f"{sentences[first]} {sentences[second]}"))
    return manifest


def settings_of(model: Path, changed: Sequence[str]) -> list[str]:
    """Say what the recipe is to be, as ``--set`` takes it."""
    section = {"engine": "vllm", "model": str(model), "dtype": DTYPE, "max_tokens": MAX_TOKENS}
    return [
        f"models.{MODEL}={json.dumps(section)}",
        f"steps.{STEP}={json.dumps({'model': MODEL})}",
        "steps.translate.engine=benchmarks.noop:Translate",
        "steps.labels.engine=benchmarks.noop:Labels",
        "run.rejected_budget=1",
        *changed,
    ]


def run_job(manifest: Path, output: Path, settings: Sequence[str]) -> Run:
    """Annotate all clips."""
    temporary = output.with_suffix(".temporary")
    temporary.mkdir()
    engine = WatchedEngine(temporary)
    job = [vllm_server.PYTHON, PROJECT / "jobs" / "build_dataset.py", "--manifest", manifest, "--output", output]
    words = [word for setting in settings for word in ("--set", setting)]
    began = time.time()
    measure([*map(str, job), *words], ENVIRONMENT | {"TMPDIR": str(temporary)}, engine.look)
    assert engine.loaded_at is not None, "the job loads a model"
    written = (output / "ledger" / "outcomes").rglob("*.parquet")
    ended = max(file.stat().st_mtime for file in written)
    report = json.loads((output / "report.json").read_text(encoding="utf-8"))
    [step] = [stage for stage in report["stages"] if stage["name"] == STEP]
    print(f"{report['annotated']} clips annotated, {report['rejected']} rejected; busy share {step['busy_share']}")
    seconds, start_up_s = ended - engine.loaded_at, engine.loaded_at - began
    return Run(step["completion_tokens"], seconds, engine.cpu_s, step["seconds"], start_up_s)


def requests_of(data: Path, recipe: Recipe) -> list[TextRequest]:
    """Ask about each clip of a data set what the job asked about it."""
    step = Merge(recipe.models[MODEL])
    requests = []
    for row in pq.read_table(data, columns=COLUMNS).to_pylist():
        clip = Clip(row["clip_id"], row["uri"], subtitle=row["subtitle"])
        visual, acoustic = (Clue(row[clue]) if row[clue] else None for clue in ("visual_clue", "acoustic_clue"))
        request = step.request(Sample(clip, visual=visual, acoustic=acoustic))
        assert isinstance(request, TextRequest), "an annotated clip was asked about"
        requests.append(request)
    return requests


def run_alone(model: Path, requests: Sequence[TextRequest]) -> Run:
    """Let vLLM alone answer."""
    conversations = [
        [{"role": "system", "content": one.system}, {"role": "user", "content": one.user}] for one in requests
    ]
    told = in_vllm("-m", "benchmarks.bare_engine", model, MAX_TOKENS, said=json.dumps(conversations))
    found = json.loads(told.splitlines()[-1])
    return Run(found["tokens"], found["seconds"], found["cpu_s"], found["seconds"], found["start_up_s"])


def in_vllm(*command: object, said: str = "") -> str:
    """Run Python in the environment of vLLM, and return what it prints."""
    words = [str(word) for word in (vllm_server.PYTHON, *command)]
    done = subprocess.run(
        words, env=os.environ | ENVIRONMENT, cwd=PROJECT, input=said, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)} ended with {done.returncode}:\n{done.stderr[-4000:]}")
    return done.stdout


def main() -> None:
    """Let them take turns, and print the middle of the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=768)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--set", dest="changed", action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()
    reason = vllm_server.missing()
    if reason is not None:
        print(reason)
        return
    by_clock, by_cpu = [], []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        model = work / "model"
        in_vllm("-m", "benchmarks.wordy_model", model)
        manifest = write_manifest(work / "clips", options.clips)
        settings = settings_of(model, options.changed)
        recipe = load_recipe("laptop", settings)
        for number in range(options.rounds):
            output = work / f"round-{number}"
            job = run_job(manifest, output, settings)
            alone = run_alone(model, requests_of(output / "data", recipe))
            job.print("job")
            alone.print("alone")
            by_clock.append((job.tokens / job.seconds) / (alone.tokens / alone.seconds))
            by_cpu.append((job.tokens / job.cpu_s) / (alone.tokens / alone.cpu_s))
            print(f"ratio by the clock {by_clock[-1]:.2f}, by the engine's CPU {by_cpu[-1]:.2f}", flush=True)
    show("annotation engine: output tokens per second, times vLLM alone", median(by_clock), "", at_least=0.90)
    show("annotation engine: the same per CPU second of the engine", median(by_cpu), "", at_least=0.90)


if __name__ == "__main__":
    main()
