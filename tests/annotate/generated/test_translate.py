from affectgpt.annotate.generated.translate import Translate
from affectgpt.annotate.sample import Sample
from affectgpt.errors import ClipError
from tests.annotate.generated.samples import model, sample
from tests.annotate.language_model.chat_server import says, serve, user_of


def test_the_description_alone_is_translated() -> None:
    with serve(lambda body: says("她说“够了”，\n显得很生气。")) as server:
        step = Translate(model(server))
        step.set_up()
        told = sample(visual="She frowns.", subtitle="Nobody", description_en='She says "enough" and is angry.')
        [found] = step.annotate([told])
    assert isinstance(found, Sample)
    assert found.description_zh == "她说“够了”， 显得很生气。"
    assert found.description_en == told.description_en
    assert '"She says \\"enough\\" and is angry."' in user_of(server.asked[0])
    assert "frowns" not in str(server.asked) and "Nobody" not in str(server.asked)


def test_what_is_not_chinese_is_no_translation() -> None:
    with serve(lambda body: says("She is angry.")) as server:
        step = Translate(model(server))
        step.set_up()
        [found] = step.annotate([sample(description_en="She is angry.")])
    assert isinstance(found, ClipError) and found.reason == "generation-wrong-language"
