"""The operator's side of the chat: figures, bans, maintenance, limits and refused words, over HTTP, with a real
queue and worker, in both languages."""

import json

import pytest

from bot.texts import Words
from scripts.sandbox.emulator.seed import jpeg, webp
from tests.chat_desk import SET, WORDS, said

LANGUAGES = ("en", "ru")


@pytest.fixture(scope="module")
def studio(studio_without_bot):
    """Every test brings its own people, its own operator and its own bot."""
    return studio_without_bot


def jobs_of(studio, person):
    with studio.jobs() as jobs:
        return [(job.spec.kind.value, job.status.value) for job in jobs.list(person=f"tg{person.id}")]


def asked(studio, person, language="en"):
    """Up to the question whether the pack shall be learned."""
    person.start()
    person.sticker(SET)
    studio.press(person, WORDS[language]["learn"])
    studio.waits(person, lambda view: view.last.button(WORDS[language]["agree"]))


# ── who is the operator ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("language", LANGUAGES)
def test_stats_show_how_it_goes_and_to_others_it_is_a_word_like_any(studio, opened, language):
    words = Words(language)
    operator, anna = opened(language), studio.emulator.person("Anna", language_code=language)
    studio.learns(anna, language)
    operator.send("/stats")
    view = said(studio, operator, words("stats-learn"))
    people = len(studio.rows("person"))
    assert f" {people}. " in view.last.text.splitlines()[0]
    assert words("stats-draw") in view.last.text
    assert " / " in view.last.text  # some learnings have been done, and their seconds are known
    for command in ("/stats", f"/ban {operator.id}", f"/unban {operator.id}", "/maintenance on"):
        anna.send(command)
    said(studio, anna, words("hint"), times=4)
    assert studio.rows("ban") == []
    menus = {(scope, code): [one["command"] for one in menu] for (scope, code), menu in bot_menus(studio).items()}
    mine = [menu for (scope, _), menu in menus.items() if scope.get("chat_id") == operator.id]
    assert len(mine) == len(LANGUAGES)
    assert all({"stats", "ban", "unban", "maintenance"} < {*menu} for menu in mine)
    assert all("stats" not in menu for (scope, _), menu in menus.items() if scope["type"] == "default")


def bot_menus(studio):
    found = {}
    for (scope, code), menu in studio.emulator.bot.commands.items():
        found[(Frozen(json.loads(scope)), code)] = menu
    return found


class Frozen(dict):
    """A scope that can be a key."""

    def __hash__(self):
        return hash(json.dumps(self, sort_keys=True))


def test_who_is_no_operator_any_more_sees_everybodys_menu(studio, opened):
    before = opened()
    studio.until(lambda: any(scope.get("chat_id") == before.id for scope, _ in bot_menus(studio)))
    studio.kill(studio.bots[-1])
    after = opened()
    studio.until(lambda: any(scope.get("chat_id") == after.id for scope, _ in bot_menus(studio)))
    assert not any(scope.get("chat_id") == before.id for scope, _ in bot_menus(studio))
    before.send("/stats")
    said(studio, before, Words("en")("hint"))


# ── bans ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_banned_person_is_told_once_and_answered_no_more_but_for_what_is_their_right(studio, opened, language):
    words = Words(language)
    operator, anna = opened(), studio.emulator.person("Anna", language_code=language)
    studio.learns(anna, language)
    studio.hold()
    try:
        anna.photo(jpeg(1))
        studio.waits(anna, lambda view: view.find("▱"))
        operator.send(f"/ban {anna.id} 2")
        said(studio, operator, Words("en")("ban-done", person=str(anna.id), days=2, jobs=1))
        said(studio, anna, words("banned", days=2))
        said(studio, anna, words("cancelled-by-operator"))
        studio.until(lambda: ("draw", "cancelled") in jobs_of(studio, anna))
    finally:
        studio.hold(False)
    studio.quiet()
    operator.send(f"/ban {anna.id} 2")  # they are told once
    said(studio, operator, Words("en")("ban-done", person=str(anna.id), days=2, jobs=0))
    studio.kill(studio.bots[-1])
    studio.bot(STICKERS_ADMINS=str(operator.id))  # it is not kept in the process
    before = anna.see().from_bot
    for text in ("/start", "/styles", "hello"):
        anna.send(text)
    anna.photo(jpeg(2))
    pressed = anna.press(data="forged")
    studio.until(lambda: pressed.answered)
    studio.quiet()
    assert anna.see().from_bot == before
    anna.send("/privacy")
    studio.waits(anna, lambda view: view.last.button(words("key-revoke")))
    anna.send("/mydata")
    studio.waits(anna, lambda view: [one for one in view.of_kind("document") if one.file_name == "mydata.zip"])
    anna.send("/deletedata")
    studio.press(anna, words("delete-yes"))
    said(studio, anna, words("delete-done", jobs=2).splitlines()[0][:12])
    studio.quiet()
    before = anna.see().from_bot
    anna.send("/start")  # deleting everything is no way out
    studio.until(studio.settled)
    assert anna.see().from_bot == before
    operator.send(f"/unban {anna.id}")
    said(studio, operator, Words("en")("unban-done", person=str(anna.id)))
    anna.send("/start")
    said(studio, anna, words("start", name="Anna").splitlines()[0], times=2)
    assert sum(words("banned", days=2) in one.text for one in anna.see().from_bot) == 1


def test_what_an_operator_types_wrongly_is_told_and_does_nothing(studio, opened):
    words, operator = Words("en"), opened()
    operator.send("/ban")
    said(studio, operator, words("ban-how", most=3650))
    operator.send("/ban anna")
    said(studio, operator, words("ban-how", most=3650), times=2)
    operator.send(f"/ban {operator.id}")
    said(studio, operator, words("ban-admin"))
    operator.send("/unban 5")
    said(studio, operator, words("unban-none", person="5"))
    operator.send("/unban 5 6")
    said(studio, operator, words("unban-how"))
    operator.send("/maintenance")
    said(studio, operator, words("maintenance-is-off"))
    operator.send("/maintenance off")
    said(studio, operator, words("maintenance-was-off"))
    assert studio.rows("ban") == []
    operator.send("/ban 5")  # nobody yet
    said(studio, operator, words("ban-unknown"))
    operator.send("/unban 5")
    said(studio, operator, words("unban-done", person="5"))
    studio.until(studio.settled)
    assert [row for row in studio.rows("outbox") if row["chat"] == 5] == []


# ── maintenance ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("language", LANGUAGES)
def test_while_there_is_maintenance_nothing_is_begun_nothing_is_lost_and_what_runs_goes_on(studio, opened, language):
    words, say = Words(language), WORDS[language]
    operator, anna, boris = opened(), *(studio.emulator.person(name, language_code=language) for name in ("A", "B"))
    studio.learns(boris, language)
    asked(studio, anna, language)
    studio.hold()
    try:
        boris.photo(jpeg(1))
        studio.waits(boris, lambda view: view.find("▱"))
        operator.send("/maintenance on new GPU until noon")
        said(studio, operator, Words("en")("maintenance-on"))
    finally:
        studio.hold(False)
    studio.waits(boris, lambda view: [one for one in view.of_kind("sticker") if not one.mine])  # what ran goes on
    anna.press(say["agree"])
    view = said(studio, anna, words("closed"))
    assert "new GPU until noon" in view.last.text
    assert words("closed-kept") in view.last.text
    boris.photo(jpeg(2))
    said(studio, boris, words("closed"))
    boris.press(words("key-another"))
    said(studio, boris, words("closed"), times=2)
    boris.send("/packs")  # what needs no worker goes on
    said(studio, boris, words("packs-none"))
    boris.send("/start")
    said(studio, boris, words("closed"), times=3)
    studio.kill(studio.bots[-1])
    studio.bot(STICKERS_ADMINS=str(operator.id))
    anna.press(say["agree"])
    said(studio, anna, words("closed"), times=2)
    studio.quiet()
    assert jobs_of(studio, anna) == []
    assert [kind for kind, _ in jobs_of(studio, boris)] == ["draw", "learn"]
    studio.learns(operator)  # an operator tries what was mended
    operator.send("/maintenance off")
    said(studio, operator, Words("en")("maintenance-off"))
    anna.press(say["agree"])  # the very question that was asked before
    said(studio, anna, say["learned"])


def test_a_failed_job_is_not_taken_up_again_while_there_is_maintenance(studio, opened):
    operator, anna = opened(), studio.emulator.person("Anna")
    studio.learns(anna)
    studio.refuse("OutOfMemory")
    anna.photo(jpeg(1))
    studio.waits(anna, lambda view: view.find("There wasn't enough memory"))
    operator.send("/maintenance on")
    said(studio, operator, Words("en")("maintenance-on"))
    studio.press(anna, "Try again")
    said(studio, anna, Words("en")("closed"))
    assert ("draw", "failed") in jobs_of(studio, anna)
    operator.send("/maintenance off")
    said(studio, operator, Words("en")("maintenance-off"))
    studio.press(anna, "Try again")
    studio.waits(anna, lambda view: [one for one in view.of_kind("sticker") if not one.mine])


# ── limits ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_number_of_a_day_is_told_with_when_it_goes_on_and_what_failed_is_not_counted(studio, opened, language):
    words, say = Words(language), WORDS[language]
    operator = opened(STICKERS_DAILY_LEARNS="1", STICKERS_DAILY_DRAWS="1")
    anna = studio.emulator.person("Anna", language_code=language)
    studio.learns(anna, language)
    studio.refuse("OutOfMemory")
    anna.photo(jpeg(1))
    said(studio, anna, words("failed-memory"))
    studio.draws(anna, jpeg(2))  # the one before was our fault
    anna.photo(jpeg(3))
    spent = words("spent-draw", most=1, when=words("in-hours", hours=24))
    said(studio, anna, spent)
    anna.press(words("key-retry"))  # nor can it be had by the one that failed
    said(studio, anna, spent, times=2)
    for number in range(4, 9):
        anna.photo(jpeg(number), album="a")  # an album is told once
    said(studio, anna, spent, times=3)
    studio.until(studio.settled)
    assert sum(spent in one.text for one in anna.see().from_bot) == 3
    anna.sticker(SET)
    studio.press(anna, say["learn"])
    said(studio, anna, words("spent-learn", most=1, when=words("in-hours", hours=24)))
    studio.quiet()
    assert sorted(jobs_of(studio, anna)) == [("draw", "done"), ("draw", "failed"), ("learn", "done")]
    studio.learns(operator)
    for number in range(2):
        studio.draws(operator, jpeg(number))  # no limit for them
    studio.quiet()


def test_a_cancelled_job_that_had_not_started_is_given_back(studio, opened):
    opened(STICKERS_DAILY_DRAWS="2")
    anna, boris = studio.emulator.person("Anna"), studio.emulator.person("Boris")
    studio.learns(anna)
    studio.learns(boris)
    studio.hold()
    try:
        boris.photo(jpeg(1))  # has the worker
        studio.waits(boris, lambda view: view.find("▱"))
        for number in range(2):
            anna.photo(jpeg(number))
        studio.waits(anna, lambda view: len([one for one in view.from_bot if one.button("Cancel")]) == 2)
        anna.photo(jpeg(3))
        said(studio, anna, "You can have 2 drawings a day")
        anna.press("Cancel")
        said(studio, anna, "Cancelled. Send it again")
        studio.until(lambda: "stopping" not in {row["state"] for row in studio.rows("errand")})
        anna.photo(jpeg(4))
        studio.waits(anna, lambda view: len([one for one in view.from_bot if one.button("Cancel")]) == 2)
        anna.photo(jpeg(5))
        said(studio, anna, "You can have 2 drawings a day", times=2)
    finally:
        studio.hold(False)
    studio.quiet()


# ── words ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


BAD = {"en": ("p0rn", "PORN, please"), "ru": ("п0рно", "Порно, пожалуйста")}


@pytest.mark.parametrize("language", LANGUAGES)
def test_refused_words_are_not_drawn_and_the_third_time_bans_for_a_day(studio, opened, language):
    words, bad = Words(language), BAD[language]
    operator, anna = opened(), studio.emulator.person("Anna", language_code=language)
    studio.learns(anna, language)
    anna.photo(jpeg(1), caption=bad[0])
    said(studio, anna, words("strikes-left", left=2))
    anna.send(bad[1])
    said(studio, anna, words("strikes-left", left=1))
    studio.draws(anna, jpeg(2), caption="Essex")  # in between, others are drawn
    studio.quiet()
    anna.photo(jpeg(3), caption=bad[1])
    view = said(studio, anna, words("banned", days=1))
    assert view.last.text.startswith(words("banned", days=1))
    studio.quiet()
    assert sorted(jobs_of(studio, anna)) == [("draw", "done"), ("learn", "done")]
    strikes = [row for row in studio.rows("strike") if row["person"] == anna.id]
    assert [row["reason"] for row in strikes] == ["sexual"] * 3
    for table in ("strike", "ban", "inbox", "errand", "thing", "spent"):
        assert all(word not in str(studio.rows(table)) for word in bad), table
    anna.send("/start")
    anna.send("/privacy")
    studio.waits(anna, lambda view: "/deletedata" in view.last.text and view.last.button(words("key-revoke")))
    assert sum("Anna!" in one.text for one in anna.see().from_bot) == 1  # of the first time
    operator.photo(jpeg(1), caption=bad[0])  # an operator's own trial counts for nothing
    said(studio, operator, Words("en")("refused-words"))
    assert [row for row in studio.rows("strike") if row["person"] == operator.id] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_pack_with_a_refused_title_is_not_learned_and_nobody_is_blamed(studio, opened, language):
    name = f"Nice_{language}"
    studio.emulator.add_sticker_set(name, [webp(n) for n in range(4)], title="Sweet p0rn cats", emoji=("🐱",))
    opened()
    words, say = Words(language), WORDS[language]
    anna = studio.emulator.person("Anna", language_code=language)
    anna.start()
    anna.sticker(name)
    studio.press(anna, say["learn"])
    studio.press(anna, say["agree"])
    said(studio, anna, words("refused-title"))
    studio.quiet()
    assert jobs_of(studio, anna) == []
    assert [row for row in studio.rows("strike") if row["person"] == anna.id] == []


def test_an_operators_own_words_are_refused_too(studio, opened, tmp_path):
    (tmp_path / "own.txt").write_text("[brand]\nacme*\n", encoding="utf-8")
    opened(STICKERS_REFUSED_WORDS=str(tmp_path / "own.txt"))
    anna = studio.emulator.person("Anna")
    anna.start()
    anna.send("ACME's cat")
    said(studio, anna, Words("en")("refused-words"))
    assert [row["reason"] for row in studio.rows("strike") if row["person"] == anna.id] == ["brand"]
