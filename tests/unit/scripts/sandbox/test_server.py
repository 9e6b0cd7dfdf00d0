"""The Bot API's addresses and encodings over real HTTP: who is served, in which forms, with which status."""

import json

import pytest

from scripts.sandbox.emulator import seed


def test_a_method_is_found_whatever_its_case(api):
    for name in ("getMe", "getme", "GETME"):
        assert api.result(name)["username"] == "stickersmith_bot"


def test_the_same_call_arrives_by_get_form_json_and_multipart(api, anna):
    values = {"chat_id": anna.id, "text": "привет & <b>", "disable_notification": True}
    forms = {**values, "disable_notification": "true"}
    answers = [
        api.http.get(f"{api.url}/sendMessage", params=forms),
        api.http.post(f"{api.url}/sendMessage", params=forms),
        api.http.post(f"{api.url}/sendMessage", data=forms),
        api.http.post(f"{api.url}/sendMessage", json=values),
        api.http.post(f"{api.url}/sendMessage", files={name: (None, str(value)) for name, value in forms.items()}),
    ]
    assert [answer.status_code for answer in answers] == [200] * 5
    assert {answer.json()["result"]["text"] for answer in answers} == {"привет & <b>"}
    assert all(seen.silent for seen in anna.see().from_bot)


def test_an_unknown_method_is_404_and_a_wrong_token_401_with_true_statuses(emulator, api):
    assert api.refusal("sendNothing") == "404 Not Found: method not found"
    wrong = api.http.post(f"{emulator.base_url}1:{'x' * 30}/getMe")
    assert (wrong.status_code, wrong.json()["error_code"]) == (401, 401)
    assert wrong.json()["description"] == "Unauthorized: invalid token specified"
    assert api.http.get(f"{emulator.base_file_url}1:{'x' * 30}/a.png").status_code == 401


def test_a_method_without_semantics_is_refused_and_recorded_and_never_ok(emulator, api, anna):
    assert api.refusal("sendDice", chat_id=anna.id).startswith("501 Not Implemented: the emulator knows 'sendDice'")
    assert [one.status for one in emulator.record.of("sendDice")] == [501]
    assert [one.rule for one in emulator.check() if one.rule == "unknown"] == ["unknown"]


@pytest.mark.parametrize("body", ["{", "[]", "7"])
def test_a_body_that_is_no_json_object_is_refused(api, body):
    answer = api.http.post(f"{api.url}/getMe", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400


def test_a_file_is_downloaded_bit_by_bit_by_its_link_and_only_within_the_hour(emulator, api, anna):
    content = seed.png(1)
    anna.document(content, name="one.png")
    document = api.result("getUpdates")[-1]["message"]["document"]
    link = api.result("getFile", file_id=document["file_id"])
    assert link["file_path"].endswith(".png")
    assert api.http.get(f"{api.file_url}/{link['file_path']}").content == content
    emulator.clock.advance(3601)
    assert api.http.get(f"{api.file_url}/{link['file_path']}").status_code == 404


def test_above_20_mb_there_is_no_link(api, anna):
    anna.document(b"\0" * ((20 << 20) + 1), name="film.bin")
    file_id = api.result("getUpdates")[-1]["message"]["document"]["file_id"]
    assert api.refusal("getFile", file_id=file_id) == "400 Bad Request: file is too big"


def test_a_file_id_belongs_to_one_bot_and_the_unique_id_to_all(emulator, api, anna):
    other = emulator.add_bot("other_bot")
    emulator.add_sticker_set("shared", [seed.webp(1)])
    first = api.result("getStickerSet", name="shared")["stickers"][0]
    url = f"{emulator.base_url}{other.token}"
    second = api.http.post(f"{url}/getStickerSet", json={"name": "shared"}).json()["result"]["stickers"][0]
    assert first["file_unique_id"] == second["file_unique_id"]
    assert first["file_id"] != second["file_id"]
    stolen = api.http.post(f"{url}/getFile", json={"file_id": first["file_id"]})
    assert (stolen.status_code, stolen.json()["description"]) == (400, "Bad Request: invalid file_id")


def test_requests_are_recorded_without_token_and_file_contents(emulator, api, anna):
    api.result("sendDocument", {"document:a.bin": b"12345"}, chat_id=anna.id)
    request = emulator.record.of("senddocument", ok=True)[0]
    assert request.given["document"] == {"upload": "a.bin", "bytes": 5}
    assert emulator.token.split(":")[1] not in json.dumps([one.to_json() for one in emulator.record.requests])
