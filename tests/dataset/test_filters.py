"""The recipe's filters: off by default, on with a default of their own, and checked."""

import pytest
from pydantic import ValidationError

from affectgpt.annotate.quality.measures import MEASURES
from affectgpt.dataset.filters import FiltersSection

ALL_ON = FiltersSection.model_validate({name: {} for name in FiltersSection.model_fields})


def test_every_filter_is_off_until_it_is_named() -> None:
    nothing = FiltersSection()
    assert nothing.measures() == ()
    assert not nothing.needs_fingerprint()


def test_the_filters_name_the_measures_that_they_need() -> None:
    some = FiltersSection.model_validate({"not_the_speaker": {}, "description_length": {"fewest_words": 10}})
    assert some.measures() == ("description_words", "mouth_movement")
    assert not some.needs_fingerprint()


def test_a_filter_without_settings_is_on() -> None:
    assert set(ALL_ON.measures()) == set(MEASURES)
    assert ALL_ON.needs_fingerprint()
    assert FiltersSection.model_validate({"near_duplicate": {}}).measures() == ()


def test_the_filters_survive_being_saved() -> None:
    assert FiltersSection.model_validate(ALL_ON.model_dump()) == ALL_ON


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"beauty": {}}, "beauty"),
        ({"no_face": {"most": 1}}, "no_face.most"),
        ({"no_face": {"least": 1.5}}, "no_face.least"),
        ({"near_duplicate": {"most_difference": "0.1"}}, "near_duplicate.most_difference"),
        ({"description_length": {"shortest_share": 0.5}}, "description_length.shortest_share"),
        ({"description_length": {"fewest_words": 20, "most_words": 10}}, "leaves out everything"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, object], expected: str) -> None:
    with pytest.raises(ValidationError) as refused:
        FiltersSection.model_validate(settings)
    places = [".".join(map(str, error["loc"])) for error in refused.value.errors()]
    assert expected in str(refused.value) or expected in places
