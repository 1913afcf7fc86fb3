"""The learning rate at each step of a stage."""

import math

from affectgpt.training.recipe import StageSection


def learning_rate(stage: StageSection, step: int, steps: int) -> float:
    """Give the learning rate of a step: a linear warm-up, then cosine, linear or no decay to the final rate.

    Args:
        stage: its rates, schedule and share of warm-up steps.
        step: number of the step, from 0.
        steps: how many steps the stage has.
    """
    peak, final = stage.learning_rate, min(stage.final_learning_rate, stage.learning_rate)
    warmup = round(stage.warmup * steps)
    if step < warmup:
        return peak * (step + 1) / warmup
    passed = (step - warmup) / max(1, steps - warmup)
    if stage.schedule == "cosine":
        return final + (peak - final) * 0.5 * (1.0 + math.cos(math.pi * passed))
    if stage.schedule == "linear":
        return peak + (final - peak) * passed
    return peak
