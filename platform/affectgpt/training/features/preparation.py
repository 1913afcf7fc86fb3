"""The preparation of the clips to learn from, on Ray Data: each is decoded and encoded once, whoever needs it."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import ray
from ray.data import ActorPoolStrategy, Dataset
from ray.exceptions import RayError, RayTaskError

from affectgpt.dataset.cluster import BLOCKS_PER_CPU, cpus
from affectgpt.errors import JobError, StoppedError
from affectgpt.training.features.blocks import (
    WORK,
    EncodingActor,
    Plan,
    check_block,
    decode_block,
    encode_block,
)
from affectgpt.training.features.hashing import hash_block
from affectgpt.training.features.keys import clip_key, fingerprints_of
from affectgpt.training.features.settings import SENSES, PreparationSettings, Sense
from affectgpt.training.recipe import FeaturesSection

_SAY_EVERY_S = 5.0
_FILES_PER_BLOCK = 256

Say = Callable[[str], None]
Problem = tuple[str, str]


def prepare_clips(clips: pa.Table, settings: PreparationSettings, on_progress: Say) -> pa.Table:
    """Decode every clip and cache what the frozen encoders give for it, unless the cache has it already.

    Needs a connection to Ray (``affectgpt.dataset.connection.connect``). A killed run may be started again at any time:
    only what is missing is encoded. Clips that cannot be used are not cached, so that the next run tries them again.
    With ``features.enabled: false`` each clip is only decoded, to know what there is of it.

    Args:
        clips: a table of CLIPS; several rows may stand for the same content.
        settings: how.
        on_progress: is told, now and then, a line about how far it is.

    Returns:
        The table with ``content_sha256`` and ``clip_key`` (null where the file cannot be read), ``has_video`` and
        ``has_audio`` (whether the model perceives anything by that sense), and, where the clip cannot be used,
        ``error`` and ``message``.

    Raises:
        RequestError: an encoder is not where the recipe says.
        JobError: a worker failed, or the cluster lacks what the recipe reserves.
        StoppedError: the cluster failed.
    """
    plan = Plan(settings, fingerprints_of(settings) if settings.features.enabled else ())
    clips, problems = hash_clips(clips, on_progress)
    keys = _keys(clips)
    found = _cached(plan)
    work = _work(clips, keys, found, settings.senses())
    before = len(set(keys) - {None}) - work.num_rows
    on_progress(_opening(settings, work.num_rows, before))
    if work.num_rows:
        for fingerprint in plan.fingerprints:
            plan.cache(fingerprint.sense).describe(fingerprint)
        verb = "encoding" if settings.features.enabled else "decoding"
        for row in _run(_dataset(work, plan), f"{verb}: {{done}} of {work.num_rows} clips", on_progress):
            _take(row, found, problems)
    return _prepared(clips, keys, found, problems, settings)


def hash_clips(clips: pa.Table, on_progress: Say) -> tuple[pa.Table, dict[str, Problem]]:
    """Fill in ``content_sha256`` where nobody has hashed the content yet, by reading the file.

    Returns:
        The clips, still without a hash where the file cannot be read; and the problem of each such file by its URI.
    """
    uris: list[str] = clips["uri"].to_pylist()
    told: list[str | None] = clips["content_sha256"].to_pylist()
    unknown = sorted({uri for uri, sha256 in zip(uris, told, strict=True) if sha256 is None})
    hashes: dict[str, str] = {}
    problems: dict[str, Problem] = {}
    if not unknown:
        return clips, problems
    on_progress(f"reading {len(unknown)} files, to tell their content apart")
    hashed = _in_blocks(pa.table({"uri": unknown}), _FILES_PER_BLOCK).map_batches(
        hash_block, batch_size=None, batch_format="pyarrow"
    )
    for row in _run(hashed, f"reading: {{done}} of {len(unknown)} files", on_progress):
        if row["sha256"] is None:
            problems[row["uri"]] = (row["error"], row["message"])
        else:
            hashes[row["uri"]] = row["sha256"]
    contents = [sha256 or hashes.get(uri) for uri, sha256 in zip(uris, told, strict=True)]
    return _with_column(clips, "content_sha256", pa.array(contents, pa.string())), problems


def _keys(clips: pa.Table) -> list[str | None]:
    """Give each row its key; None where the content is not known."""
    columns = (clips[name].to_pylist() for name in ("content_sha256", "start_s", "end_s"))
    return [None if one is None else clip_key(one, *span) for one, *span in zip(*columns, strict=True)]


Found = dict[Sense, dict[str, bool]]


def _cached(plan: Plan) -> Found:
    """Say for each sense which clips are in the cache, and whether they have the stream."""
    found: Found = {sense: {} for sense in plan.settings.senses()}
    for fingerprint in plan.fingerprints:
        index = plan.cache(fingerprint.sense).read_index()
        pairs = zip(index["clip_key"].to_pylist(), index["has_stream"].to_pylist(), strict=True)
        found[fingerprint.sense] = dict(pairs)
    return found


def _work(clips: pa.Table, keys: Sequence[str | None], found: Found, senses: Sequence[Sense]) -> pa.Table:
    """Take one row for each content of which a sense is missing."""
    chosen: dict[str, tuple[int, list[str]]] = {}
    for number, key in enumerate(keys):
        if key is not None and key not in chosen:
            missing: list[str] = [sense for sense in senses if key not in found[sense]]
            if missing:
                chosen[key] = (number, missing)
    rows = clips.select(["clip_id", "uri", "start_s", "end_s"]).take(
        pa.array([n for n, _ in chosen.values()], pa.int64())
    )
    rows = rows.add_column(0, "clip_key", pa.array(list(chosen), pa.string()))
    return rows.append_column(
        "senses", [pa.array([missing for _, missing in chosen.values()])] if chosen else [[]]
    ).cast(WORK)


def _dataset(work: pa.Table, plan: Plan) -> Dataset:
    """Lay out the pipeline: one stage, but for GPUs, which should not wait for the decoding."""
    settings, features = plan.settings, plan.settings.features
    dataset = _in_blocks(work, features.clips_per_block)
    blocks = dataset.num_blocks()
    options: dict[str, Any] = {"batch_size": None, "batch_format": "pyarrow"}
    if not features.enabled:
        return dataset.map_batches(check_block, fn_kwargs={"settings": settings}, **options)
    if not settings.has_weights():
        return dataset.map_batches(encode_block, fn_kwargs={"plan": plan}, num_cpus=features.num_cpus, **options)
    if settings.on_gpu():
        actors, num_cpus = _actors_on_gpus(features)
        # Ray runs both stages in the same processes where they reserve the same; these differ in their GPUs.
        dataset = dataset.map_batches(decode_block, fn_kwargs={"settings": settings}, **options)
        options["batch_size"] = min(features.clips_per_block, math.ceil(work.num_rows / actors))
        options["num_gpus"] = features.num_gpus
    else:
        actors, num_cpus = _actors_on_cpus(features)
    return dataset.map_batches(
        EncodingActor,
        fn_constructor_kwargs={"plan": plan},
        compute=ActorPoolStrategy(size=min(actors, blocks)),
        num_cpus=num_cpus,
        **options,
    )


def _actors_on_cpus(features: FeaturesSection) -> tuple[int, float]:
    """Say how many processes encode, and how many CPUs each reserves: as the recipe says, or what a node has."""
    nodes = [node["Resources"].get("CPU", 0.0) for node in ray.nodes() if node["Alive"]]
    num_cpus = min(features.num_cpus, max(nodes))
    return (sum(int(node // num_cpus) for node in nodes) if num_cpus else cpus()), num_cpus


def _actors_on_gpus(features: FeaturesSection) -> tuple[int, float]:
    """As ``_actors_on_cpus``; where that would leave no CPU for the decoding, they reserve none.

    Raises:
        JobError: there is no such GPU.
    """
    gpus = ray.cluster_resources().get("GPU", 0.0)
    if gpus < features.num_gpus:
        raise JobError(
            f"features.num_gpus is {features.num_gpus:g}, and the cluster has {gpus:g} GPUs; start it with GPUs, or "
            "set features.num_gpus to 0"
        )
    actors = max(1, int(gpus / features.num_gpus))
    return actors, features.num_cpus if cpus() - actors * features.num_cpus >= 1 else 0.0


def _run(dataset: Dataset, line: str, on_progress: Say) -> Iterator[Mapping[str, Any]]:
    """Run a pipeline and give its rows, saying every few seconds how many there were."""
    done, began, said = 0, time.monotonic(), time.monotonic()
    with ray_errors("what is finished is kept for the next run"):
        for table in dataset.iter_batches(batch_size=None, batch_format="pyarrow"):
            yield from table.to_pylist()
            done += table.num_rows
            now = time.monotonic()
            if now - said >= _SAY_EVERY_S:
                said = now
                on_progress(f"{line.format(done=done)}, {done / (now - began):.1f}/s")


@contextlib.contextmanager
def ray_errors(remedy: str) -> Iterator[None]:
    """Turn what Ray raises into the errors of this project.

    Args:
        remedy: what a person can do, or need not do.

    Raises:
        JobError: the work itself failed in a worker.
        StoppedError: the cluster failed.
    """
    try:
        yield
    except RayTaskError as error:
        raise JobError(f"a worker failed; {remedy}\n{error}") from error
    except RayError as error:
        raise StoppedError(f"the cluster failed; {remedy}\n{error}") from error


def _in_blocks(table: pa.Table, rows_per_block: int) -> Dataset:
    """Make a dataset of as many blocks as keep all CPUs busy to the end, as far as there are rows.

    They are cut here: Ray's own ``repartition`` would wait for a CPU that the actors behind it hold.
    """
    rounds = max(BLOCKS_PER_CPU, math.ceil(table.num_rows / (rows_per_block * cpus())))
    size = math.ceil(table.num_rows / (rounds * cpus()))
    return ray.data.from_arrow([table.slice(first, size) for first in range(0, table.num_rows, size)])


def _opening(settings: PreparationSettings, missing: int, before: int) -> str:
    if not settings.features.enabled:
        return f"decoding {missing} clips, to know what there is of them"
    return f"encoding {missing} clips" + (f" ({before} have been encoded before)" if before else "")


def _take(row: Mapping[str, Any], found: Found, problems: dict[str, Problem]) -> None:
    """Note what became of a clip."""
    if row["error"] is not None:
        problems[row["clip_key"]] = (row["error"], row["message"])
        return
    for sense, has in (("vision", row["has_video"]), ("audio", row["has_audio"])):
        if has is not None and sense in found:
            found[sense][row["clip_key"]] = has


def _prepared(
    clips: pa.Table,
    keys: Sequence[str | None],
    found: Found,
    problems: Mapping[str, Problem],
    settings: PreparationSettings,
) -> pa.Table:
    rows: list[tuple[bool, bool, str | None, str | None]] = []
    for uri, key in zip(clips["uri"].to_pylist(), keys, strict=True):
        problem = problems.get(key or uri)
        has = [key is not None and problem is None and found.get(sense, {}).get(key, False) for sense in SENSES]
        if problem is None and not any(has):
            problem = ("nothing-perceived", f"{uri} has nothing that the model perceives; {_perceives(settings)}")
        rows.append((has[0], has[1], *(problem or (None, None))))
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    prepared = _with_column(clips, "clip_key", pa.array(keys, pa.string()))
    types = {"has_video": pa.bool_(), "has_audio": pa.bool_(), "error": pa.string(), "message": pa.string()}
    for (name, kind), values in zip(types.items(), columns, strict=True):
        prepared = _with_column(prepared, name, pa.array(values, kind))
    return prepared


def _perceives(settings: PreparationSettings) -> str:
    does = {"vision": "sees", "audio": "hears"}
    return "it " + " and ".join(does[sense] for sense in settings.senses()) + " only, by the recipe's model section"


def _with_column(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    position = table.schema.get_field_index(name)
    return table.append_column(name, values) if position < 0 else table.set_column(position, name, values)
