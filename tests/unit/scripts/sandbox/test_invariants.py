"""What a bot did wrong is found, and a bot that did nothing wrong has nothing to hear."""

import pytest

from scripts.sandbox.emulator import Emulator


def rules(emulator, **options):
    return [one.rule for one in emulator.check(**options)]


def test_a_good_bot_is_found_without_fault(emulator, api, anna):
    api.result("sendMessage", chat_id=anna.id, text="hello")
    anna.press(data="x")
    query = api.result("getUpdates")[-1]["callback_query"]["id"]
    api.result("answerCallbackQuery", callback_query_id=query)
    assert emulator.check(outputs=["a log"]) == []


def test_a_person_without_an_answer_is_found_and_a_later_edit_is_an_answer(emulator, api, anna):
    assert [one.text for one in emulator.check()] == ["Anna got no answer to '/start'"]
    sent = api.result("sendMessage", chat_id=anna.id, text="hello")
    assert rules(emulator) == []
    anna.send("and?")
    assert rules(emulator) == ["silent"]
    api.result("editMessageText", chat_id=anna.id, message_id=sent["message_id"], text="hello again")
    assert rules(emulator) == []


def test_who_blocked_the_bot_expects_no_answer(emulator, anna):
    anna.block()
    assert rules(emulator) == []


def test_a_press_without_an_answer_is_found(emulator, api, anna):
    api.result("sendMessage", chat_id=anna.id, text="hello")
    anna.press(data="x")
    assert rules(emulator) == ["unanswered"]


def test_writing_to_somebody_who_blocked_is_wrong_only_once_it_was_told(emulator, api, anna):
    anna.block()
    to = {"chat_id": anna.id, "text": "hi"}
    api.refusal("sendMessage", **to)
    assert rules(emulator) == []  # it could not know
    api.refusal("sendMessage", **to)
    assert rules(emulator) == ["blocked"]


def test_an_update_tells_of_the_block_too(emulator, api, anna):
    anna.block()
    assert api.result("getUpdates")[-1]["my_chat_member"]["new_chat_member"]["status"] == "kicked"
    api.refusal("sendMessage", chat_id=anna.id, text="hi")
    assert rules(emulator) == ["blocked"]


def test_malformed_requests_are_the_bots_bugs_and_refusals_by_state_are_not(emulator, api, anna):
    api.result("sendMessage", chat_id=anna.id, text="hello")
    api.refusal("sendMessage", chat_id=anna.id, text="hello", txt="x")
    api.refusal("deleteMessage", chat_id=anna.id, message_id=99)
    assert rules(emulator) == ["malformed"]


def test_a_token_in_an_output_or_in_a_chat_is_found(emulator, api, anna):
    secret = emulator.token.split(":")[1]
    api.result("sendMessage", chat_id=anna.id, text="hello")
    assert rules(emulator, outputs=["fine", f"GET /bot{emulator.token}/getMe"]) == ["token"]
    api.result("sendMessage", chat_id=anna.id, text=f"my secret is {secret}")
    assert rules(emulator) == ["token"]


def test_final_results_are_told_exactly_once_by_the_tests_key(emulator, api, anna):
    def job(seen):
        return seen.text.removeprefix("done ") if seen.text.startswith("done ") else None

    for text in ("working", "done 1", "done 2", "done 2"):
        api.result("sendMessage", chat_id=anna.id, text=text)
    found = emulator.check(final_key=job, expected={"1", "3"})
    assert {one.text for one in found} == {
        "the final result '2' was sent 2 times, not once",
        "the final result '3' was sent 0 times, not once",
    }


def test_a_deleted_result_was_still_sent(emulator, api, anna):
    for _ in range(2):
        sent = api.result("sendMessage", chat_id=anna.id, text="done")
        api.result("deleteMessage", chat_id=anna.id, message_id=sent["message_id"])
    assert rules(emulator, final_key=lambda seen: seen.text) == ["final"]


@pytest.mark.parametrize("token", ["1:short", "no"])
def test_a_token_is_shaped_as_telegrams(token):
    with pytest.raises(ValueError, match="token"):
        Emulator(token=token)
