"""Whether the service stands a long run: tens of thousands of requests, some of them bad, some of which nobody awaits.

First it is full: as many clients ask as a batch has places, four times over. That tells how many requests it answers in
a second. Then requests come at random moments, half as many a second. What must hold: no worker is replaced, every good
request is answered and every bad one refused as it should be, no process of the service grows, and at half load hardly
any request takes much longer than the half of them.
"""

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import httpx2

from benchmarks.figures import show
from benchmarks.serving.asking import NO_ANSWER, Reply, Upload, ask, new_client, upload
from benchmarks.serving.service import Service, served
from tests.integration.made import write_clip

REQUESTS = 20_000
TOKENS = 8
BATCH_SIZE = 8
CLIENTS = 4 * BATCH_SIZE
FULL_SHARE, WARM_UP_SHARE = 0.3, 0.1
BAD_SHARE, LEAVING_SHARE = 0.05, 0.02
LONGEST_S = 20.0
LOOK_EVERY_S = 5.0
MOST_GROWTH, MOST_SPREAD = 1.10, 5.0
SUBTITLE = "The cake is delicious, thank you so much!"
GOOD, LEAVES = "good", "client leaves"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of request.

    Attributes:
        name: what the table calls it.
        uploads: what is sent.
        statuses: what may be answered.
    """

    name: str
    uploads: Sequence[Upload]
    statuses: frozenset[int]


@dataclass(frozen=True, slots=True)
class Sent:
    """A request and what came of it."""

    kind: Kind
    reply: Reply

    @property
    def is_right(self) -> bool:
        """Whether it was answered as it should be."""
        return self.reply.status in self.kind.statuses


def run(model: Path, clips: list[Path], requests: int | None) -> bool:
    """Let it run, print what came of it, and say whether all holds."""
    folder = model.parent / "soak"
    folder.mkdir()
    settings = {
        "generation.max_tokens": TOKENS,
        "model_workers.batch_size": BATCH_SIZE,
        "limits.requests": 2 * CLIENTS,
        "limits.duration_s": LONGEST_S,
    }
    drawn = _drawn(_kinds(folder, clips), requests or REQUESTS)
    with served(model, settings) as service:
        return asyncio.run(_soak(service, drawn))


def _kinds(folder: Path, clips: Sequence[Path]) -> list[Kind]:
    made = write_clip(folder / "made.mp4", seconds=3.0).read_bytes()
    bad = {
        # It still begins as MP4 files do.
        "corrupt": (made[:32] + random.Random(0).randbytes(len(made) - 32), {415, 422}),
        "empty": (b"", {422}),
        "wrong type": (b"This is no film.\n" * 1000, {415}),
        "too long": (write_clip(folder / "long.mp4", seconds=LONGEST_S + 5.0).read_bytes(), {422}),
    }
    kinds = [Kind(GOOD, [upload(clip, subtitle=SUBTITLE) for clip in clips], frozenset({200}))]
    kinds.append(Kind(LEAVES, kinds[0].uploads, frozenset({NO_ANSWER, 200})))
    for name, (content, statuses) in bad.items():
        file = folder / f"{name.replace(' ', '-')}.mp4"
        file.write_bytes(content)
        kinds.append(Kind(name, [upload(file, subtitle=SUBTITLE)], frozenset(statuses)))
    return kinds


def _drawn(kinds: Sequence[Kind], count: int) -> list[tuple[Kind, Upload]]:
    """Draw kinds by their shares, the same for each run."""
    draw = random.Random(1)
    bad = len(kinds) - 2
    shares = [1 - BAD_SHARE - LEAVING_SHARE, LEAVING_SHARE, *[BAD_SHARE / bad] * bad]
    return [(kind, draw.choice(kind.uploads)) for kind in draw.choices(kinds, shares, k=count)]


async def _soak(service: Service, drawn: Sequence[tuple[Kind, Upload]]) -> bool:
    full, warm_up = int(FULL_SHARE * len(drawn)), int(WARM_UP_SHARE * len(drawn))
    await _all_at_once(service, drawn[:warm_up])
    workers, looks = service.replicas(), [service.memory_mib()]
    watching = asyncio.create_task(_watch(service, looks))
    began = time.perf_counter()
    at_full = await _all_at_once(service, drawn[warm_up:full])
    rate = len(at_full) / (time.perf_counter() - began)
    at_half = await _at_random_moments(service, drawn[full:], rate / 2)
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching
    looks.append(service.memory_mib())
    print(f"{rate:.1f} requests a second from {CLIENTS} clients; then {rate / 2:.1f} a second at random moments")
    _print_table("full load", at_full)
    _print_table("half load", at_half)
    return _judge([*at_full, *at_half], at_half, looks, workers == service.replicas())


async def _all_at_once(service: Service, drawn: Sequence[tuple[Kind, Upload]]) -> list[Sent]:
    sent: list[Sent] = []
    queue = iter(drawn)

    async def client_of_its_own(draw: random.Random) -> None:
        async with new_client(service.url) as client:
            for kind, wanted in queue:
                sent.append(Sent(kind, await _send(client, kind, wanted, draw)))

    await asyncio.gather(*(client_of_its_own(random.Random(seed)) for seed in range(CLIENTS)))
    return sent


async def _at_random_moments(service: Service, drawn: Sequence[tuple[Kind, Upload]], per_second: float) -> list[Sent]:
    draw = random.Random(2)
    async with new_client(service.url) as client:

        async def one(kind: Kind, wanted: Upload) -> Sent:
            return Sent(kind, await _send(client, kind, wanted, draw))

        tasks = []
        due = time.perf_counter()
        for kind, wanted in drawn:
            due += draw.expovariate(per_second)
            await asyncio.sleep(due - time.perf_counter())
            tasks.append(asyncio.create_task(one(kind, wanted)))
        return list(await asyncio.gather(*tasks))


async def _send(client: httpx2.AsyncClient, kind: Kind, wanted: Upload, draw: random.Random) -> Reply:
    if kind.name != LEAVES:
        return await ask(client, wanted)
    began = time.perf_counter()
    try:
        return await asyncio.wait_for(ask(client, wanted), draw.uniform(0.0, 0.2))
    except TimeoutError:
        return Reply(NO_ANSWER, began, time.perf_counter() - began)


async def _watch(service: Service, looks: list[dict[str, float]]) -> None:
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        looks.append(await asyncio.to_thread(service.memory_mib))


def _print_table(title: str, sent: Sequence[Sent]) -> None:
    print(f"{title:16}{'sent':>7}{'wrong':>7}{'p50 ms':>9}{'p99 ms':>9}  statuses")
    kinds = {one.kind.name: one.kind for one in sent}
    for name in kinds:
        of_kind = [one for one in sent if one.kind.name == name]
        seconds = sorted(one.reply.seconds for one in of_kind)
        statuses = Counter(one.reply.status or "none" for one in of_kind)
        told = ", ".join(f"{status}: {count}" for status, count in statuses.most_common())
        wrong = sum(not one.is_right for one in of_kind)
        p50, p99 = (1000 * _quantile(seconds, share) for share in (0.5, 0.99))
        print(f"  {name:14}{len(of_kind):7}{wrong:7}{p50:9.0f}{p99:9.0f}  {told}")


def _judge(sent: Sequence[Sent], at_half: Sequence[Sent], looks: Sequence[dict[str, float]], kept: bool) -> bool:
    """Print the figures and say whether they all hold."""
    faults = sum(one.reply.status >= 500 for one in sent)
    wrong = sum(not one.is_right for one in sent)
    seconds = sorted(one.reply.seconds for one in at_half if one.kind.name == GOOD)
    spread = _quantile(seconds, 0.99) / _quantile(seconds, 0.5)
    growth = _growth(looks)
    show("serving, soak: whether a worker was replaced", float(not kept), "", at_most=0.0)
    show("serving, soak: answers with a status of 500 or more", faults, "", at_most=0.0)
    show("serving, soak: requests not answered as they should be", wrong, "", at_most=0.0)
    show("serving, soak: memory at the end, times that after the warm-up", growth, "", at_most=MOST_GROWTH)
    show("serving, soak: p99 at half load, times p50", spread, "", at_most=MOST_SPREAD)
    return kept and not faults and not wrong and growth <= MOST_GROWTH and spread <= MOST_SPREAD


def _growth(looks: Sequence[dict[str, float]]) -> float:
    """Compare the last fifth of the looks at the memory with the first."""
    part = max(1, len(looks) // 5)
    early = {role: median(look[role] for look in looks[:part]) for role in looks[0]}
    late = {role: median(look[role] for look in looks[-part:]) for role in looks[0]}
    print("memory in MiB, after the warm-up and at the end")
    for role, mib in early.items():
        print(f"  {role:16}{mib:7.0f}{late[role]:7.0f}")
    return sum(late.values()) / sum(early.values())


def _quantile(values: Sequence[float], share: float) -> float:
    return values[min(len(values) - 1, int(share * len(values)))]
