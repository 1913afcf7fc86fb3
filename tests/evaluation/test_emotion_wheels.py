from pathlib import Path

from affectgpt.evaluation.emotion_wheels import shipped_wheels
from affectgpt.evaluation.tables import read_table


def test_from_a_form_to_a_sector() -> None:
    wheels = shipped_wheels()
    by_name = {wheel.name: wheel for wheel in wheels.wheels}
    assert list(by_name) == ["plutchik", "willcox", "parrott", "geneva"]
    assert wheels.base("furiously") == "furious"
    assert wheels.word("furiously") == "furious"
    assert wheels.place("furiously", by_name["plutchik"], "level2") == "rage"
    assert wheels.place("愤怒", by_name["willcox"], "level1") == "mad"
    assert wheels.place("rage", by_name["geneva"], "level1") == "unpleasant, in control"


def test_a_wheel_may_have_no_place_for_an_emotion() -> None:
    wheels = shipped_wheels()
    geneva = next(wheel for wheel in wheels.wheels if wheel.name == "geneva")
    assert wheels.base("surprised") == "surprised"
    assert wheels.place("surprised", geneva, "level1") is None


def test_each_word_of_a_wheel_is_at_its_own_place() -> None:
    wheels = shipped_wheels()
    for wheel in wheels.wheels:
        for sector, middle in wheel.sectors.items():
            for word in middle:
                assert wheels.place(word, wheel, "level2") == word, (wheel.name, word)
            if wheel.name != "geneva":
                assert wheels.place(sector, wheel, "level1") == sector, (wheel.name, sector)


def test_out_of_vocabulary() -> None:
    wheels = shipped_wheels()
    assert wheels.base("table") is None
    assert wheels.word("table") is None
    assert wheels.place("table", wheels.wheels[0], "level1") is None


def test_the_vocabulary_has_a_thousand_surface_forms() -> None:
    sizes = shipped_wheels().sizes
    assert sizes["surface_forms"] >= sizes["with_synonyms"] >= 1000


def test_few_labels_of_the_ground_truth_are_out_of_vocabulary(shared: Path) -> None:
    labels = read_table(str(shared / "reference" / "ov_merd" / "ground_truth.csv")).labels
    assert labels is not None
    unique = {label.lower() for of_clip in labels for label in of_clip}
    unknown = [label for label in unique if shipped_wheels().base(label) is None]
    assert len(unique) == 248
    assert len(unknown) / len(unique) <= 0.10
