from affectgpt.annotate.working_time import SharedTime


class Clock:
    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def test_one_that_works_alone_is_charged_what_it_took() -> None:
    clock = Clock()
    shared = SharedTime(clock)
    for seconds in (2.0, 3.0):
        began = shared.begin()
        clock.time += seconds
        assert shared.end(began) == seconds
        clock.time += 50


def test_a_moment_is_shared_among_those_that_work_in_it() -> None:
    clock = Clock()
    shared = SharedTime(clock)
    first = shared.begin()
    clock.time += 4
    second = shared.begin()
    clock.time += 6
    assert shared.end(first) == 4 + 6 / 2
    clock.time += 5
    assert shared.end(second) == 6 / 2 + 5
