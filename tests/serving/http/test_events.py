from affectgpt.serving.http.events import Deltas, event


def test_what_is_new_of_a_text_is_told_once() -> None:
    deltas = Deltas()
    assert [deltas.new(text) for text in ("She", "She", "She feels", "He feels", "She feels sad.")] == [
        "She",
        "",
        " feels",
        "",
        " sad.",
    ]


def test_an_event_is_one_line_whatever_it_holds() -> None:
    assert event({"text": "a\nb 好"}, "text") == 'event: text\ndata: {"text": "a\\nb 好"}\n\n'
    assert event("[DONE]") == "data: [DONE]\n\n"
