import asyncio
import threading
from collections.abc import Sequence

import pytest

from affectgpt.serving.batching import Batches


class Gate:
    """Doubles numbers, but a batch begins to run only when it is let through."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.begun = threading.Semaphore(0)
        self.open = threading.Semaphore(0)

    def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.batches.append(list(numbers))
        self.begun.release()
        self.open.acquire()
        if -1 in numbers:
            raise ValueError("no negative numbers")
        return [2 * number for number in numbers]


async def submitted(batches: Batches[int, int], number: int) -> asyncio.Task:
    task = asyncio.create_task(batches.submit(number))
    await asyncio.sleep(0)
    return task


def test_a_batch_grows_while_another_runs() -> None:
    async def scene() -> None:
        gate = Gate()
        batches: Batches[int, int] = Batches(gate, most=3)
        tasks = [await submitted(batches, 0)]
        await asyncio.to_thread(gate.begun.acquire)
        tasks += [await submitted(batches, number) for number in range(1, 6)]
        for _ in range(3):
            gate.open.release()
        done = await asyncio.gather(*tasks)
        assert gate.batches == [[0], [1, 2, 3], [4, 5]]
        assert [one.result for one in done] == [0, 2, 4, 6, 8, 10]
        assert [one.batch for one in done] == [1, 3, 3, 3, 2, 2]

    asyncio.run(scene())


def test_a_job_whose_caller_left_is_left_out() -> None:
    async def scene() -> None:
        gate = Gate()
        batches: Batches[int, int] = Batches(gate, most=8)
        first = await submitted(batches, 0)
        await asyncio.to_thread(gate.begun.acquire)
        gone, stayed = await submitted(batches, 1), await submitted(batches, 2)
        gone.cancel()
        await asyncio.sleep(0)
        gate.open.release()
        gate.open.release()
        assert (await first).result == 0
        assert (await stayed).result == 4
        assert gate.batches == [[0], [2]]

    asyncio.run(scene())


def test_an_error_reaches_the_job_that_causes_it_alone() -> None:
    async def scene() -> None:
        gate = Gate()
        batches: Batches[int, int] = Batches(gate, most=8)
        first = await submitted(batches, 0)
        await asyncio.to_thread(gate.begun.acquire)
        bad, good = await submitted(batches, -1), await submitted(batches, 1)
        for _ in range(4):
            gate.open.release()
        with pytest.raises(ValueError, match="no negative numbers"):
            await bad
        assert ((await first).result, (await good).result) == (0, 2)
        assert gate.batches == [[0], [-1, 1], [-1], [1]]

    asyncio.run(scene())
