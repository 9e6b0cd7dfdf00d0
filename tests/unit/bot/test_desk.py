"""The one transaction: all that a talk gathered is written down with its update, or nothing is."""

import asyncio

import pytest
import sqlalchemy as sa

from bot import outbox as outbox_module
from bot.buttons import Verdict
from bot.desk import Desk, Settled
from bot.effects import Button
from bot.inbox import Inbox
from bot.rates import Priority
from bot.tables import CONSENTS, INBOX, OUTBOX, PEOPLE
from pipeline.errors import BadSetting, TooManyJobs
from pipeline.jobs.queue import Jobs, Limits
from pipeline.jobs.words import Kind
from pipeline.vault import Vault
from tests.unit.bot.test_inbox import update


def taken(desk, number=1):
    box = Inbox(desk.engine, desk.vault)
    box.accept([update(number)])
    return box.take(1)[0]


def talk_of(desk, number=1, **more):
    return desk.talk(origin=f"u{number}", person=desk.person(7), chat=7, update_id=number, **more)


def rows(desk, table):
    with desk.engine.connect() as connection:
        return connection.execute(sa.select(table)).all()


def test_state_messages_and_the_updates_end_are_written_together(desk):
    taken(desk)
    talk = talk_of(desk, tag="ru")
    talk.put_state(step="pack")
    talk.consent("training", "v1")
    talk.say("hello xylophone", slot="s")
    desk.settle(talk)
    person = desk.person(7)
    assert (person.state, person.tag, person.known) == ({"step": "pack"}, "ru", True)
    assert person.consents_to("training", "v1")
    [row] = rows(desk, OUTBOX)
    assert (row.key, row.state, row.slot) == ("u1.0", "pending", "s")
    assert b"xylophone" not in row.payload
    assert rows(desk, INBOX)[0].state == "done"


def test_where_one_part_cannot_be_written_none_is(desk, monkeypatch):
    taken(desk)
    talk = talk_of(desk)
    talk.put_state(step="pack")
    talk.say("hello")
    monkeypatch.setattr(outbox_module, "post", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        desk.settle(talk)
    assert rows(desk, PEOPLE) == rows(desk, OUTBOX) == []
    assert rows(desk, INBOX)[0].state == "taken"


def test_a_handler_that_ran_twice_is_settled_once(desk):
    taken(desk)
    first, second = talk_of(desk), talk_of(desk)
    for talk in (first, second):
        talk.put_state(count=talk.person.state.get("count", 0) + 1)
        talk.say("hello")
    desk.settle(first)
    with pytest.raises(Settled):
        desk.settle(second)
    assert len(rows(desk, OUTBOX)) == 1
    assert desk.person(7).state == {"count": 1}


def test_what_happens_once_is_told_once_without_an_update_too(desk):
    """A job's end, told by whoever notices it, however often."""
    for _ in range(3):
        talk = desk.talk(origin="job:u1-0:done", person=desk.person(7), chat=7, priority=Priority.RESULT)
        talk.say("done")
        desk.settle(talk)
    assert [row.priority for row in rows(desk, OUTBOX)] == [Priority.RESULT]


def test_a_job_is_submitted_once_however_often_its_handler_runs(desk):
    async def handler():
        talk = talk_of(desk)
        await talk.submit(Kind.DRAW, profile="embedded", style="s", photos=["a"])
        return await talk.submit(Kind.DRAW, profile="embedded", style="s", photos=["b"])

    for _ in range(3):
        view = asyncio.run(handler())
    assert view.job_id == "u1-1"
    assert sorted(one.job_id for one in desk.jobs.list()) == ["u1-0", "u1-1"]
    assert view.spec.person == "tg7"


def test_too_many_jobs_are_told_to_the_handler(tmp_path, vault):
    with Jobs(f"sqlite:///{tmp_path}/queue.sqlite", limits=Limits(open_jobs=1)) as jobs:
        talk = talk_of(Desk(jobs, vault))
        asyncio.run(talk.submit(Kind.DRAW, profile="embedded", style="s", photos=["a"]))
        with pytest.raises(TooManyJobs):
            asyncio.run(talk.submit(Kind.DRAW, profile="embedded", style="s", photos=["b"]))


def test_a_consent_is_kept_with_its_text_and_times_and_can_be_taken_back(desk):
    talk = talk_of(desk)
    talk.update_id = None
    talk.consent("training", "v1")
    desk.settle(talk)
    again = desk.talk(origin="u2", person=desk.person(7), chat=7)
    assert again.person.consents_to("training", "v1")
    assert not again.person.consents_to("training", "v2")
    again.revoke("training")
    desk.settle(again)
    assert not desk.person(7).consents_to("training", "v1")
    [row] = rows(desk, CONSENTS)
    assert row.given_ms <= row.revoked_ms


def test_the_language_is_chosen_above_what_telegram_says(desk):
    talk = desk.talk(origin="u1", person=desk.person(7), chat=7, tag="ru-RU")
    assert talk.words.language == "ru"
    talk.choose_language("en")
    assert talk.words.language == "en"
    desk.settle(talk)
    later = desk.talk(origin="u2", person=desk.person(7), chat=7)
    assert later.words.language == "en"
    later.choose_language(None)
    assert later.words.language == "ru"  # as Telegram said last


def test_buttons_are_signed_for_their_person(desk):
    talk = talk_of(desk)
    rows_of = [[Button(text="a", action="x", id="1"), Button(text="b", url="https://t.me/x")]]
    talk.say("press", buttons=rows_of)
    [[mine, link]] = talk.effects[0].payload["buttons"]
    assert desk.seals.read(mine["data"], presser=7).verdict is Verdict.FINE
    assert desk.seals.read(mine["data"], presser=8).verdict is Verdict.FOREIGN
    assert link == {"text": "b", "url": "https://t.me/x"}


def test_a_pressed_button_is_answered_once(desk):
    talk = talk_of(desk, query="q")
    talk.answer("yes")
    talk.answer("no")
    assert [one.payload["text"] for one in talk.effects] == ["yes"]


def test_another_key_than_the_one_that_sealed_is_refused_at_the_start(desk):
    with pytest.raises(BadSetting, match="another key"):
        Desk(desk.jobs, Vault(["eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg="]))


def test_a_database_belongs_to_one_bot(desk):
    desk.belongs_to(1)
    desk.belongs_to(1)
    with pytest.raises(BadSetting, match="the token is of the bot 2"):
        desk.belongs_to(2)


def test_an_album_has_two_to_ten_files(desk):
    talk = talk_of(desk)
    with pytest.raises(ValueError, match="1 files are no album"):
        talk.album([("a", "a.png")])
    talk.album([("a", "a.png"), ("b", "b.png")])
    assert len(talk.effects) == 1


def test_a_text_that_is_too_long_is_cut_by_telegrams_count(desk):
    talk = talk_of(desk)
    talk.say("😀" * 4000)
    text = talk.effects[0].payload["text"]
    assert len(text.encode("utf-16-le")) // 2 <= 4096
    assert text.endswith("😀…")


def test_a_new_key_in_front_seals_everything_anew_so_that_the_old_one_may_go(desk):
    talk = desk.talk(origin="x", person=desk.person(7), chat=7)
    talk.put_state(step="pack")
    talk.say("hello")
    desk.settle(talk)
    taken(desk)
    new, old = "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg=", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    Desk(desk.jobs, Vault([new, old]))
    alone = Desk(desk.jobs, Vault([new]))
    assert alone.person(7).state == {"step": "pack"}
    assert alone.vault.open(rows(desk, OUTBOX)[0].payload)["text"] == "hello"
    assert alone.vault.open(rows(desk, INBOX)[0].payload)["update_id"] == 1
    with pytest.raises(BadSetting, match="another key"):
        Desk(desk.jobs, Vault([old]))
