"""What the service adds to the model and the decoding: half of all requests, sent one by one, see no more than this.

Request, decoding and model take turns, so that whatever else the machine does meets all three. The decoding is that of
the file on disk in this process, and the model's time is that of the decoded clip in this process, on one core. What
remains is the service's: HTTP, the upload's way to disk, checks, the decoder's process, Ray, and JSON.
"""

import time
from pathlib import Path
from statistics import median

import httpx2

from affectgpt.clips.clip import Clip
from affectgpt.clips.decoding import decode
from affectgpt.inference.affectgpt import AffectGPT
from affectgpt.inference.asking import Query
from affectgpt.inference.reading import Read
from benchmarks.figures import show
from benchmarks.serving.asking import upload
from benchmarks.serving.service import Service, load_model, served

WARM_UP, REQUESTS = 30, 200
TOKENS = 8
SUBTITLE = "The cake is delicious, thank you so much!"
AT_MOST_MS = 15.0


def run(model: Path, clips: list[Path], requests: int | None) -> bool:
    """Measure it; whether it is little enough."""
    with served(model, {"generation.max_tokens": TOKENS}) as service:
        return _measure(service, clips[0], requests or REQUESTS)


def _measure(service: Service, clip: Path, count: int) -> bool:
    alone = load_model(service.model)
    wanted = upload(clip, subtitle=SUBTITLE)
    requests, decodings, models, in_service = [], [], [], []
    cpu_s = 0.0
    with httpx2.Client(base_url=service.url, timeout=60.0) as client:
        for number in range(WARM_UP + count):
            if number == WARM_UP:
                cpu_s = service.cpu_s()
            began = time.perf_counter()
            got = client.post("/v1/describe", content=wanted.body, headers=wanted.headers)
            asked = time.perf_counter()
            found = Clip(clip.stem, str(clip), subtitle=SUBTITLE)
            media = decode(found, alone.perception.decoding)
            decoded = time.perf_counter()
            _answer(alone, Read(found, media))
            described = time.perf_counter()
            assert got.status_code == 200, got.text
            if number >= WARM_UP:
                requests.append(asked - began)
                decodings.append(decoded - asked)
                models.append(described - decoded)
                in_service.append(got.json()["seconds"])
    cpu_ms = 1000 * (service.cpu_s() - cpu_s) / count
    parts = {step: _ms([seconds[step] for seconds in in_service]) for step in in_service[0]}
    print(f"{count} requests, {_ms(requests):.1f} ms each; {clip.stat().st_size / 1e3:.0f} kB")
    print(f"alone: decoding {_ms(decodings):.1f} ms, model {_ms(models):.1f} ms")
    print("in the service: " + ", ".join(f"{step} {ms:.1f} ms" for step, ms in parts.items()))
    print(f"CPU of the service {cpu_ms:.1f} ms a request, the model's and the decoder's included", flush=True)
    added = [whole - decoding - in_model for whole, decoding, in_model in zip(requests, decodings, models, strict=True)]
    show("serving: what a request costs beside decoding and model", _ms(added), "ms", at_most=AT_MOST_MS)
    return _ms(added) <= AT_MOST_MS


def _answer(model: AffectGPT, read: Read) -> None:
    model.answer([Query(read, max_new_tokens=TOKENS)])


def _ms(seconds: list[float]) -> float:
    return 1000 * median(seconds)
