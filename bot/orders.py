"""What is under way: looked at, called off, taken up again; and words, by what they answer.

Owns those answers. Knows not how a job is done. Loads python-telegram-bot, through ``teach``.
"""

from __future__ import annotations

import asyncio

from bot import emoji_choice, listed, pack_shelf, questions, shelf, teach, wanted, wished
from bot.basics import PRIVACY
from bot.drawing import reworded, styles_of
from bot.effects import Button
from bot.errands import JOBS, UNDER_WAY, Errand, Kind, State, errand, errands, move
from bot.keyboards import cancel_keys
from bot.questions import What
from bot.routes import Event
from bot.talk import Talk
from bot.teach import PURPOSE, VERSION
from pipeline.errors import UnknownJob, WrongStatus
from pipeline.jobs.views import OPEN
from pipeline.jobs.words import Status

ASKED = ("ask", "collect", "wanted", "emoji")  # of a person's state: what the next they send would be taken for


async def how(event: Event, talk: Talk) -> None:
    """How to begin, step by step."""
    talk.answer()
    talk.say(talk.words("how"))


async def words_only(event: Event, talk: Talk) -> None:
    """Words alone: what was asked for; else a thing to draw."""
    if not await _answers(event, talk):
        await wished.draw(event, talk, _text(event))


async def emoji_alone(event: Event, talk: Talk) -> None:
    """Emoji alone: a name that was asked for; a sticker's, where words or emoji were asked for; else what to draw."""
    asked = questions.pending(talk)
    if asked and asked["what"] == What.WORDS:
        questions.close(talk)
        talk.put_state(emoji=asked["id"])
    elif await _answers(event, talk):
        return
    if talk.person.state.get("emoji") or await wished.named(_text(event)) is None:
        await emoji_choice.written(event, talk)
    else:
        await wished.draw(event, talk, _text(event))


def _text(event: Event) -> str:
    assert event.update.message is not None  # its routes want one
    return event.update.message.text or ""


async def link(event: Event, talk: Talk) -> None:
    """A link, or a name as sets have it, which may be the answer to a question."""
    assert event.update.message is not None
    if teach.LINK.search(event.update.message.text or "") or not await _answers(event, talk):
        await teach.link(event, talk)


async def _answers(event: Event, talk: Talk) -> bool:
    """Whether the message answers what was asked."""
    asked = questions.pending(talk)
    if asked is None:
        return False
    questions.close(talk)
    answers = {What.STYLE_NAME: shelf.rename, What.PACK_NAME: pack_shelf.rename, What.WORDS: reworded}
    await answers[What(asked["what"])](event, talk, asked["id"])
    return True


OWN = ("new", "styles", "packs", "status", "cancel", "mydata")  # commands whose answers are for one person's eyes


def is_elsewhere(event: Event) -> bool:
    """Such a command in a group."""
    return event.command in OWN


async def elsewhere(event: Event, talk: Talk) -> None:
    """Not here."""
    link = f"https://t.me/{event.services.username}"
    talk.say(talk.words("private-only"), buttons=[[Button(text=talk.words("key-write-me"), url=link)]])


def is_words(event: Event) -> bool:
    """A message of words that is no command."""
    message = event.update.message
    return event.private and bool(message and message.text and not message.text.startswith("/"))


# ── what is under way ─────────────────────────────────────────────────────────────────────────────────────────────────


async def _open(event: Event, talk: Talk) -> list[Errand]:
    found = await asyncio.to_thread(errands, event.services.desk, states=UNDER_WAY, person=talk.person.id)
    return [one for one in found if one.kind in JOBS]


async def status(event: Event, talk: Talk) -> None:
    """``/status``: what is under way, and the style in use."""
    under_way = await _open(event, talk)
    styles = await styles_of(event, talk)
    head = talk.words("status-open", count=len(under_way)) if under_way else talk.words("status-none")
    learning = next((one for one in under_way if one.kind is Kind.LEARN), None)
    if styles:
        foot = talk.words("status-style", style=str(styles[0].value["title"]))
    elif learning:
        foot = talk.words("status-first-style", title=str(learning.payload.get("title", "")))
    else:
        foot = talk.words("status-no-style")
    queued = await listed.in_line(event.services.desk, under_way)
    listed.show(talk, head, under_way, styles, queued=queued, foot=foot)


async def cancel_ask(event: Event, talk: Talk) -> None:
    """``/cancel``: the only one at once; of several, which? Where something was asked, that is dropped, and said."""
    under_way = await _open(event, talk)
    queued = await listed.in_line(event.services.desk, under_way)
    if _asked(talk):
        kept = talk.person.state.get("wanted")
        unasked = talk.words("wanted-dropped", count=len(kept["sources"])) if kept else ""
        _ask_no_more(talk)
        if not under_way:
            talk.say(unasked or talk.words("question-dropped"))
            return
        head = f"{unasked or talk.words('question-closed')}\n\n{talk.words('status-open', count=len(under_way))}"
        listed.show(talk, head, under_way, await styles_of(event, talk), queued=queued)
    elif not under_way:
        talk.say(talk.words("cancel-none"))
    elif len(under_way) == 1:
        await _cancel(event, talk, under_way[0])
        talk.say(talk.words("cancel-done", what=listed.name_of(talk.words, under_way[0])))
    else:
        listed.show(talk, talk.words("cancel-which"), under_way, await styles_of(event, talk), queued=queued)


def _asked(talk: Talk) -> bool:
    """Whether something waits for an answer of theirs."""
    return questions.pending(talk) is not None or any(talk.person.state.get(key) for key in ASKED)


def _ask_no_more(talk: Talk) -> None:
    """What they wrote or sent next would have been taken for the answer."""
    questions.close(talk)
    for key in ("ask", "collect", "wanted"):
        asked = talk.person.state.get(key)
        if asked:
            talk.rebutton(f"status:{asked['id']}")
    talk.put_state(**dict.fromkeys(ASKED))


async def cancel(event: Event, talk: Talk) -> None:
    """The button below a status message."""
    assert event.pressed is not None  # its route wants a pressed button
    one = await asyncio.to_thread(errand, event.services.desk, event.pressed.id, talk.person.id)
    if one is None or one.state not in UNDER_WAY:
        talk.answer(talk.words("cancel-late"))
        await listed.over(talk, event.services.desk, event.pressed.id)
        return
    await _cancel(event, talk, one)


async def _cancel(event: Event, talk: Talk, one: Errand) -> None:
    """The queue hears of it now, and again from the watch, should the job only just be handed in."""
    try:
        view = await asyncio.to_thread(event.services.jobs.cancel, one.key)
    except UnknownJob:
        view = None
    if view is not None and view.status is not Status.CANCELLED:
        talk.answer(talk.words("cancel-late"))
        return
    move(talk, one.key, UNDER_WAY, State.STOPPING)
    text = talk.words("cancelled-learn") if one.kind is Kind.LEARN else talk.words("cancelled-draw")
    talk.answer(talk.words("cancelled-notice"))
    talk.edit(f"status:{one.key}", text)
    what = listed.name_of(talk.words, one)
    await listed.over(talk, event.services.desk, one.key, with_held=True, cancelled=what)


async def retry(event: Event, talk: Talk) -> None:
    """Take a failed job up again; everything that it was given is still there."""
    assert event.pressed is not None  # its route wants a pressed button
    id = event.pressed.id
    one = await asyncio.to_thread(errand, event.services.desk, id, talk.person.id)
    if one is None or one.state is not State.TOLD:
        talk.answer(talk.words("button-old"), alert=True)
        return
    if await asyncio.to_thread(shelf.is_of_deleted, event.services.desk, one):
        talk.answer(talk.words("retry-style-gone"), alert=True)
        talk.rebutton(f"end:{id}")
        return
    since = await asyncio.to_thread(shelf.learned_since, event.services.desk, one)
    if since is not None:
        talk.answer(talk.words("retry-style-more", title=since), alert=True)
        talk.rebutton(f"end:{id}")
        return
    if one.kind is Kind.LEARN and not talk.person.consents_to(PURPOSE, VERSION):
        talk.answer(talk.words("retry-no-consent"), alert=True)
        return
    if any(_adds_to_the_same(other, one) for other in await _open(event, talk)):
        talk.answer(talk.words("more-busy", title=str(one.payload["title"])), alert=True)
        return
    try:
        view = await asyncio.to_thread(event.services.jobs.requeue, id)
    except UnknownJob:
        talk.answer(talk.words("button-old"), alert=True)
        return
    except WrongStatus:  # pressed twice, or an operator was quicker
        view = await asyncio.to_thread(event.services.jobs.show, id)
    if view.status in OPEN:
        move(talk, id, (State.TOLD,), State.WAITING)
        talk.edit(f"status:{id}", talk.words("retrying"), buttons=cancel_keys(talk.words, id))
        if one.kind is Kind.LEARN:
            wanted.hold(talk, id, str(one.payload["title"]))
        talk.rebutton(f"end:{id}")


def _adds_to_the_same(other: Errand, one: Errand) -> bool:
    """Whether both are learnings of more by one style: the later would lose what the earlier learned."""
    style = one.payload.get("replaces")
    return bool(style) and other.kind is one.kind is Kind.LEARN and other.payload.get("replaces") == style


# ── consent ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def revoke(event: Event, talk: Talk) -> None:
    """They take back that their packs may be learned; learnings under way stop. The button goes."""
    assert event.pressed is not None  # its route wants a pressed button
    talk.rebutton(f"{PRIVACY}:{event.pressed.id}")
    if not event.private:  # a button of an older version of ours
        return await elsewhere(event, talk)
    if not any(one.purpose == PURPOSE and one.revoked_ms is None for one in talk.person.consents):
        talk.answer(talk.words("revoked-already"))
        return
    talk.revoke(PURPOSE)
    for one in await _open(event, talk):
        if one.kind is Kind.LEARN:
            await _cancel(event, talk, one)
    talk.say(talk.words("revoked"))
