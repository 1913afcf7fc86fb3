"""What DeepSpeed is told."""

import pytest

from affectgpt.training.deepspeed_config import deepspeed_config
from affectgpt.training.recipe import DeepSpeedSection, StageSection


def _stage(**settings: object) -> StageSection:
    section = DeepSpeedSection.model_validate(settings)
    return StageSection(data={"fine": 1.0}, steps=1, batch_size=32, micro_batch_size=4, deepspeed=section)


def test_it_holds_the_batch_and_the_stage() -> None:
    config = deepspeed_config(_stage(zero=3, dtype="bfloat16"), micro_steps=4, universal=True)
    assert config["train_micro_batch_size_per_gpu"] == 4
    assert config["gradient_accumulation_steps"] == 4
    assert config["zero_optimization"]["stage"] == 3
    assert config["bf16"]["enabled"]
    assert config["checkpoint"]["load_universal"]


@pytest.mark.parametrize(("offload", "parts"), [("none", 0), ("optimizer", 1), ("parameters", 2)])
def test_offloading(offload: str, parts: int) -> None:
    zero = deepspeed_config(_stage(zero=3, offload=offload), 1, universal=False)["zero_optimization"]
    assert sum(name.startswith("offload") for name in zero) == parts


def test_extra_settings_are_merged_in_and_have_the_last_word() -> None:
    extra = {"zero_optimization": {"reduce_bucket_size": 7}, "gradient_clipping": 3.0}
    config = deepspeed_config(_stage(zero=2, extra=extra), 1, universal=False)
    assert config["zero_optimization"]["reduce_bucket_size"] == 7
    assert config["zero_optimization"]["stage"] == 2
    assert config["gradient_clipping"] == 3.0
