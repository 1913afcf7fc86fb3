from contextlib import ExitStack

import pytest

from affectgpt.serving.admission import Admission
from affectgpt.serving.refusals import RefusedError


def test_more_requests_than_there_are_places_are_told_to_come_again() -> None:
    held: list[int] = []
    admission = Admission(2, held.append)
    with ExitStack() as stack:
        stack.enter_context(admission.place())
        stack.enter_context(admission.place())
        with pytest.raises(RefusedError, match="queue-full") as caught, admission.place():
            pass
        assert (caught.value.status, caught.value.retry_after_s) == (429, 1.0)
    with admission.place():
        pass
    assert held == [1, 2, 1, 0, 1, 0]
