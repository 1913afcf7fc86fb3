import pytest

from affectgpt.clips.languages import language_tag


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("eng", "en"),
        ("ENG", "en"),
        ("en", "en"),
        ("chi", "zh"),
        ("zho", "zh"),
        ("ger", "de"),
        ("deu", "de"),
        ("PT_br", "pt-BR"),
        ("zh-hans-cn", "zh-Hans-CN"),
        ("yue", "yue"),
        ("und", None),
        ("sdh", None),
        ("English", None),
        ("", None),
        (None, None),
    ],
)
def test_language_tag(name: str | None, tag: str | None) -> None:
    assert language_tag(name) == tag
