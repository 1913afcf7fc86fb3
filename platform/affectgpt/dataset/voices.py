"""What each speaker's voice is usually like, measured over several of their clips before any is described."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from affectgpt.annotate.annotator import decode_samples
from affectgpt.annotate.sample import Sample
from affectgpt.annotate.signal.voice_reference import FEWEST_CLIPS, voice_reference
from affectgpt.dataset.annotating import isolated_process
from affectgpt.dataset.ledger import Ledger
from affectgpt.dataset.outcomes import clip_of
from affectgpt.dataset.progress import say
from affectgpt.dataset.recipe import Recipe
from affectgpt.dataset.schema import WORK

MAX_CLIPS_PER_SPEAKER = 24

MEASURED = pa.schema([("speaker", pa.string()), ("measurements", pa.string())])
REFERENCES = pa.schema([("speaker", pa.string()), ("voice_reference", pa.string())])


def with_voices(
    work: pa.Table, ledger: Ledger, recipe: Recipe, measure: Callable[[pa.Table, Recipe], list[Mapping[str, str]]]
) -> pa.Table:
    """Add each clip's speaker's usual voice, as JSON, or null where the speaker or the voice is not known.

    A speaker is measured once: later runs on the same output go by the same reference.

    Args:
        work: a table of CLIPS.
        ledger: where references are kept.
        recipe: how to decode.
        measure: measures the voices in a table of clips on the cluster; rows of MEASURED.
    """
    references = _known_references(ledger)
    if _wanted(recipe):
        unmeasured = _clips_to_measure(work, set(references))
        if unmeasured.num_rows:
            say(f"measuring the usual voices of the speakers, by {unmeasured.num_rows} clips")
            found = _references_of(measure(unmeasured, recipe))
            ledger.voices.write_table([*_batches(references), *_batches(found)], REFERENCES)
            references |= found
    voices = [references.get(speaker) for speaker in work["speaker"].to_pylist()]
    return work.append_column(WORK.field("voice_reference"), pa.array(voices, pa.string()))


def _wanted(recipe: Recipe) -> bool:
    return any(recipe.step_class(name).needs_voice_reference for name in recipe.step_names())


def _known_references(ledger: Ledger) -> dict[str, str]:
    known: dict[str, str] = {}
    for batch in ledger.voices.read_batches(REFERENCES.names, REFERENCES):
        known.update(zip(batch["speaker"].to_pylist(), batch["voice_reference"].to_pylist(), strict=True))
    return known


def _clips_to_measure(work: pa.Table, known: set[str]) -> pa.Table:
    chosen: dict[str, list[tuple[str, int]]] = defaultdict(list)
    speakers, hashes = work["speaker"].to_pylist(), work["content_sha256"].to_pylist()
    for index, (speaker, content) in enumerate(zip(speakers, hashes, strict=True)):
        if speaker is not None and speaker not in known:
            chosen[speaker].append((content, index))
    indices = [
        index
        for clips in chosen.values()
        if len(clips) >= FEWEST_CLIPS
        for _, index in sorted(clips)[:MAX_CLIPS_PER_SPEAKER]
    ]
    return work.take(pa.array(indices, pa.int64()))


def measure_rows(table: pa.Table, recipe: Recipe) -> pa.Table:
    """Measure the voice in each clip of a table of CLIPS; clips that cannot be decoded or have no sound give no row."""
    # Signal processing takes half a second to import, which the driver is spared.
    from affectgpt.annotate.signal.prosody import measure_voice

    samples = [Sample(clip_of(row)) for row in table.to_pylist()]
    settings = recipe.decode.settings()
    rows: list[dict[str, Any]] = []
    for item in (decoded for one in samples for decoded in decode_samples([one], settings, isolated_process(recipe))):
        if isinstance(item, Sample) and item.media is not None and item.media.sound.size:
            rows.append(
                {"speaker": item.clip.speaker, "measurements": json.dumps(dict(measure_voice(item.media.sound)))}
            )
    return pa.Table.from_pylist(rows, MEASURED)


def _references_of(measured: Sequence[Mapping[str, str]]) -> dict[str, str]:
    by_speaker: dict[str, list[Mapping[str, float]]] = defaultdict(list)
    for row in sorted(measured, key=lambda row: row["measurements"]):
        measurements = json.loads(row["measurements"])
        if "pitch_median_hz" in measurements:
            by_speaker[row["speaker"]].append(measurements)
    return {
        speaker: json.dumps(dict(voice_reference(clips)))
        for speaker, clips in by_speaker.items()
        if len(clips) >= FEWEST_CLIPS
    }


def _batches(references: Mapping[str, str]) -> list[pa.RecordBatch]:
    columns = [pa.array(list(references), pa.string()), pa.array(list(references.values()), pa.string())]
    return [pa.RecordBatch.from_arrays(columns, schema=REFERENCES)]
