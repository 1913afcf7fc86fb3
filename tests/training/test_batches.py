"""Micro-batches out of a table of samples and a feature cache."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from affectgpt.dataset.ledger import Folder
from affectgpt.model import AffectGPTForConditionalGeneration, AffectGPTProcessor
from affectgpt.training.batches import BatchLoader, on_device, read_table, tokens_of
from affectgpt.training.data.samples import samples_of
from affectgpt.training.features.shards import CachedFeatures, SenseCache
from affectgpt.training.initial_model import build_initial_model
from affectgpt.training.order import MicroBatch
from affectgpt.training.stage_job import SampleTable
from tests.training.data.clip_tables import prepared
from tests.training.features.made import SMALL

ROWS = [
    {"clip_id": "both", "subtitle": "I am fine.", "labels": ["calm"], "description_en": "She sounds calm."},
    {"clip_id": "seen", "has_audio": False, "description_en": "He smiles and looks up.", "labels": ["happy"]},
    {"clip_id": "heard", "has_video": False, "description_en": "A trembling voice, full of fear.", "labels": ["fear"]},
]


@dataclass(frozen=True)
class Made:
    """A small model, samples of three clips, and their features."""

    model: AffectGPTForConditionalGeneration
    processor: AffectGPTProcessor
    samples: SampleTable
    features: CachedFeatures
    encoded: Mapping[str, tuple[np.ndarray | None, np.ndarray | None]]

    def loader(self, loaders: int = 0) -> BatchLoader:
        return BatchLoader(self.samples, self.processor, self.features, loaders)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    cache = tmp_path_factory.mktemp("cache")
    texts = [row["description_en"] for row in ROWS] * 10
    model, processor = build_initial_model(SMALL, texts, seed=0)
    random = np.random.default_rng(0)
    sizes = {sense: getattr(model.config, f"{sense}_config") for sense in ("vision", "audio")}
    width = {"vision": 3 * sizes["vision"].patch_size ** 2, "audio": sizes["audio"].feature_size}
    encoded: dict[str, tuple[np.ndarray | None, np.ndarray | None]] = {}
    for number, row in enumerate(ROWS):
        video = random.normal(size=(4, 2, width["vision"])).astype(np.float16) if row.get("has_video", True) else None
        audio = random.normal(size=(30 + number, width["audio"])).astype(np.float32)
        encoded[f"key of {row['clip_id']}"] = (video, audio if row.get("has_audio", True) else None)
    for place, sense in enumerate(("vision", "audio")):
        SenseCache(str(cache), sense, "d").write([(key, both[place]) for key, both in encoded.items()])
    samples = SampleTable(samples_of(prepared(*ROWS), processor, ["en"], 512, 4.0, 0))
    return Made(model, processor, samples, CachedFeatures(str(cache), {"vision": "d", "audio": "d"}), encoded)


def micro(*places: int, counts: tuple[bool, ...] | None = None) -> MicroBatch:
    return MicroBatch(np.array(places), np.array(counts if counts is not None else [True] * len(places)))


def test_tokens_and_weights_are_those_of_the_table(made: Made) -> None:
    for place, row in enumerate(made.samples.rows.to_pylist()):
        example = tokens_of(made.samples, place, counts=True)
        assert example.input_ids.dtype == np.int64
        assert example.input_ids.tolist() == row["input_ids"]
        assert example.answer_start == row["answer_start"] < len(row["input_ids"])
        assert (None if example.token_weights is None else example.token_weights.tolist()) == row["token_weights"]
    assert made.samples.rows["token_weights"].null_count == 1, "one label is not spelt, two are"


def test_a_sample_that_does_not_count_has_no_weight(made: Made) -> None:
    for place in range(len(made.samples)):
        example = tokens_of(made.samples, place, counts=False)
        assert example.token_weights is not None
        assert example.token_weights.tolist() == [0.0] * (len(example.input_ids) - example.answer_start)
        assert example.input_ids.tolist() == made.samples.rows["input_ids"][place].as_py()


def test_examples_hold_the_features_of_their_clips(made: Made) -> None:
    examples = made.loader().examples(micro(2, 0, 1))
    for place, example in zip((2, 0, 1), examples, strict=True):
        video, audio = made.encoded[made.samples.clip_key(place)]
        for found, expected in ((example.video_features, video), (example.audio_features, audio)):
            assert (found is None) == (expected is None)
            np.testing.assert_array_equal(found, expected)
        assert example.pixel_values is None
        assert example.sound_inputs is None


def test_micro_batches_come_in_their_order_as_the_model_takes_them(made: Made) -> None:
    order = [micro(1, 2), micro(0, 1), micro(0)]
    loaded = list(made.loader().load(order))
    assert len(loaded) == 3
    for one, tensors in zip(order, loaded, strict=True):
        expected = made.processor.collate(made.loader().examples(one))
        assert tensors.keys() == expected.keys()
        assert all(torch.equal(tensors[name], expected[name]) for name in expected)
    assert {"video_features", "frame_mask", "audio_features", "audio_mask", "labels", "loss_weights"} <= set(loaded[0])
    with torch.no_grad():
        losses = [float(made.model(**on_device(one, torch.device("cpu"), torch.float32)).loss) for one in loaded]
    assert np.isfinite(losses).all()


def test_processes_beside_the_worker_read_the_same(made: Made) -> None:
    order = [micro(1, 2), micro(0, 1, counts=(True, False)), micro(0)]
    for here, beside in zip(made.loader().load(order), made.loader(loaders=1).load(order), strict=True):
        assert here.keys() == beside.keys()
        assert all(torch.equal(here[name], beside[name]) for name in here)


def test_the_loss_is_that_of_the_samples_that_count(made: Made) -> None:
    def loss(one: MicroBatch) -> float:
        (tensors,) = made.loader().load([one])
        moved = on_device(tensors, torch.device("cpu"), torch.float32)
        with torch.no_grad():
            return float(made.model.eval()(**moved).loss)

    alone = loss(micro(2))
    assert loss(micro(2, 0, counts=(True, False))) == pytest.approx(alone, rel=1e-4)
    assert abs(loss(micro(2, 0)) - alone) > 1e-4
    total = made.samples.weights
    both = (total[2] * alone + total[0] * loss(micro(0))) / (total[2] + total[0])
    assert loss(micro(2, 0)) == pytest.approx(both, rel=1e-4)


def test_a_batch_that_is_moved_keeps_the_types_that_matter(made: Made) -> None:
    (tensors,) = made.loader().load([micro(0, 1)])
    moved = on_device(tensors, torch.device("cpu"), torch.bfloat16)
    kinds = {name: tensor.dtype for name, tensor in moved.items()}
    assert kinds["video_features"] == kinds["audio_features"] == torch.bfloat16
    assert kinds["loss_weights"] == torch.float32
    assert kinds["frame_mask"] == kinds["audio_mask"] == torch.bool
    assert kinds["input_ids"] == kinds["labels"] == torch.int64


def test_a_table_is_read_from_any_store(made: Made) -> None:
    sink = pa.BufferOutputStream()
    pq.write_table(made.samples.rows, sink)
    Folder.at("mock://samples/data").write_bytes("samples.parquet", sink.getvalue())
    assert read_table("mock://samples/data/samples.parquet").equals(made.samples.rows)


def test_a_table_may_be_split_over_row_groups(made: Made, tmp_path: Path) -> None:
    path = tmp_path / "samples.parquet"
    pq.write_table(made.samples.rows, path, row_group_size=1)
    read = SampleTable(read_table(str(path)))
    for place in range(len(read)):
        here, there = tokens_of(made.samples, place, True), tokens_of(read, place, True)
        assert here.input_ids.tolist() == there.input_ids.tolist()
