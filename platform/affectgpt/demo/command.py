"""The command behind ``make demo``: talking clips are made and annotated, a model is trained, tested and served."""

import argparse
import csv
import shlex
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from affectgpt.demo.clips import MANIFEST_COLUMNS, make_clips, plan
from affectgpt.demo.descriptions import COLUMNS, describe
from affectgpt.demo.recording import write_srt
from affectgpt.demo.serving import PORT, Question, is_attended, serve_model
from affectgpt.exit_status import run_command

CLIPS = 96
SHOWN = 3
_CUE_S = 59.0
"""Longer than any clip of the demo: what is said in one is one cue."""
_MODULES = {
    "build-dataset": "affectgpt.dataset.command",
    "split-dataset": "affectgpt.evaluation.split_command",
    "train": "affectgpt.training.command",
    "describe": "affectgpt.inference.command",
    "evaluate": "affectgpt.evaluation.command",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the whole way from clips to a service; returns the exit status of the first command that fails.

    The service stays until Ctrl-C, which is exit status 0; without a terminal it ends when it has answered once.
    """
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("folder", type=Path, help="where everything goes")
    parser.add_argument("--clips", type=int, default=CLIPS, help=f"how many to make (default: {CLIPS})")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the training")
    parser.add_argument("--port", type=int, default=PORT, help=f"the first that the service tries (default: {PORT})")
    parser.add_argument("--no-serve", action="store_true", help="end the service when it has answered once")
    options = parser.parse_args(arguments)
    try:
        return run_command("demo", lambda: _run_all(options), "stopped; the same command goes on")
    except subprocess.CalledProcessError as error:
        return error.returncode


def _run_all(options: argparse.Namespace) -> None:
    _build(options.folder, options.clips)
    _train(options.folder, options.clips, options.set)
    held_out = _hold_out(options.folder)
    _judge(options.folder)
    _serve(options.folder, held_out, options.port, keep=is_attended() and not options.no_serve)


def _build(folder: Path, count: int) -> None:
    """Make the clips, and EMER-Coarse of them."""
    clips, output = folder / "clips", folder / "emer-coarse"
    manifest = clips / "manifest.csv"
    if not manifest.exists():
        print(f"making talking clips below {clips}", flush=True)
        make_clips(clips, count)
    _run("build-dataset", "--manifest", manifest, "--output", output)
    _show_dataset(pq.read_table(output / "data").to_pylist(), _truth(clips))
    print(f"\nLook at {output / 'report.html'}", flush=True)


def _train(folder: Path, count: int, settings: Sequence[str]) -> None:
    """Write EMER-Fine of the clips, split it, and train on both."""
    rows = [
        (scene.clip_id, describe(scene, "zh"), describe(scene, "en"), "" if scene.subtitle == "none" else scene.text)
        for scene in plan(count - 3, seed=0)
    ]
    _write_csv(folder / "emer-fine.csv", COLUMNS, rows)
    print("\nAs written by people who know what was acted:", flush=True)
    _run("split-dataset", "--references", folder / "emer-fine.csv", "--output", folder / "split.csv")
    _run(
        "train",
        *("--coarse", folder / "emer-coarse", "--fine", folder / "emer-fine.csv", "--media", folder / "clips"),
        *("--split", folder / "split.csv", "--output", folder / "model"),
        *(word for setting in settings for word in ("--set", setting)),
    )


def _hold_out(folder: Path) -> list[dict[str, str]]:
    """List the clips that no stage has seen, and put them where the page of the service takes its samples from."""
    with (folder / "split.csv").open(encoding="utf-8", newline="") as file:
        test = {row["clip_id"] for row in csv.DictReader(file) if row["part"] == "test"}
    with (folder / "clips" / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["clip_id"] in test]
    held_out = [{**row, "uri": f"clips/{row['uri']}"} for row in rows]
    _write_csv(
        folder / "held-out.csv", MANIFEST_COLUMNS, ([row[column] for column in MANIFEST_COLUMNS] for row in held_out)
    )
    samples = folder / "samples"
    samples.mkdir(exist_ok=True)
    for row in held_out:
        sample = Path(shutil.copy(folder / row["uri"], samples))
        if row["subtitle"]:
            write_srt(sample.with_suffix(".srt"), row["subtitle"], _CUE_S)
    return held_out


def _judge(folder: Path) -> None:
    """Let the model describe the clips that no stage has seen, and score it."""
    described = folder / "described.csv"
    _run(
        "describe", "--model", folder / "model" / "model", "--manifest", folder / "held-out.csv", "--output", described
    )
    with described.open(encoding="utf-8", newline="") as file:
        _show_descriptions(list(csv.DictReader(file)), _truth(folder / "clips"))
    print("\nThe labels in these descriptions against what was acted:", flush=True)
    _run(
        "evaluate",
        *("--references", folder / "emer-fine.csv", "--predictions", described),
        *("--split", folder / "split.csv", "--part", "test", "--output", folder / "evaluation"),
    )
    print(f"\nLook at {folder / 'model' / 'report.html'} and {folder / 'evaluation' / 'report.html'}", flush=True)


def _serve(folder: Path, held_out: Sequence[Mapping[str, str]], port: int, keep: bool) -> None:
    """Serve the model, and ask it about a clip that no stage has seen."""
    model, samples = folder / "model" / "model", folder / "samples"
    program = Path(sys.executable).with_name("serve")
    print(f"\nAnd a service, as by {program} run affectgpt.serving.application:build model={model} samples={samples}")
    asked = max(held_out, key=lambda row: (row["uri"].endswith(".mp4"), bool(row["subtitle"]), row["language"] == "en"))
    serve_model(model, samples, Question(folder / asked["uri"], asked["subtitle"]), port, keep)


def _run(name: str, *arguments: object) -> None:
    """Say a command as a person would type it, and run it."""
    words = [str(argument) for argument in arguments]
    print(f"$ {shlex.join([name, *words])}", flush=True)
    subprocess.run([sys.executable, "-m", _MODULES[name], *words], check=True)


def _truth(clips: Path) -> dict[str, str]:
    with (clips / "truth.csv").open(encoding="utf-8", newline="") as file:
        return {row["clip_id"]: row["emotion"] for row in csv.DictReader(file)}


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)


def _show_dataset(rows: list[dict[str, Any]], truth: Mapping[str, str]) -> None:
    complete = [row for row in rows if row["visual_clue"] and row["acoustic_clue"] and row["subtitle"]]
    one_per_emotion = {truth[row["clip_id"]]: row for row in reversed(complete)}
    for emotion, row in sorted(one_per_emotion.items())[:SHOWN]:
        print(f"\n{row['clip_id']} (acted: {emotion})")
        for name in ("subtitle", "description_en", "description_zh"):
            print(textwrap.fill(row[name], 110, initial_indent=f"  {name}: ", subsequent_indent="    "))
        print(f"  labels: {', '.join(row['labels'])}")


def _show_descriptions(rows: list[dict[str, str]], truth: Mapping[str, str]) -> None:
    for row in rows[:SHOWN]:
        print(f"\n{row['clip_id']} (acted: {truth[row['clip_id']]})")
        print(textwrap.fill(row["description_en"], 110, initial_indent="  ", subsequent_indent="    "))
