"""A talk: what the answer to one update will do, gathered while its handler runs, done once and as a whole.

Owns the gathering. Knows no Telegram call and writes nothing itself, except that jobs are handed in at once: they bear
the update's number, so handing them in again changes nothing. Light: the queue.

    async def greet(event: Event, talk: Talk) -> None:
        talk.say(talk.words("start", name=event.first_name))

A handler that dies half-way has done nothing; one that ends is written down in one transaction (``desk``) and never
runs again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

import sqlalchemy as sa

from bot.buttons import ANYBODY, Seals
from bot.effects import ALBUM, MOST_CAPTION, MOST_NOTICE, MOST_TEXT, Action, Button, Effect, Rows
from bot.people import Consent, Person
from bot.rates import Priority
from bot.shortening import shortened
from bot.texts import Words, language_of
from pipeline.domain import Json
from pipeline.jobs.queue import Jobs
from pipeline.jobs.views import JobView, now_ms
from pipeline.jobs.words import JobSpec, Kind
from pipeline.vault import Vault

Write = Callable[[sa.Connection, Vault], None]
Admits = Callable[[sa.Connection, str, str, Json], None]  # key, kind and payload of an errand; raises where it may not


class Talk:
    """See above. ``origin`` makes its effects unique: ``u123`` of an update, or whatever happens once (``job:J``)."""

    def __init__(
        self,
        *,
        origin: str,
        person: Person,
        chat: int,
        seals: Seals,
        jobs: Jobs,
        update_id: int | None = None,
        query: str | None = None,
        tag: str | None = None,
        priority: Priority = Priority.ANSWER,
    ) -> None:
        """``query``: of the pressed button; ``tag``: the language that Telegram says; ``priority``: unless said
        otherwise."""
        self.origin, self.chat, self.update_id, self.priority = origin, chat, update_id, priority
        self.before = person
        self.person = replace(person, tag=tag or person.tag)
        self.effects: list[Effect] = []
        self.submitted: list[str] = []
        self.also: list[Write] = []  # what else is written down in the same transaction; each may add and say more
        self.forgets = False
        self.admits: Admits | None = None  # asked of each errand that is begun; None: everything may be
        self._seals, self._jobs, self._query = seals, jobs, query

    @property
    def words(self) -> Words:
        """The sentences, in the person's language: chosen, else as Telegram says, else as it said last."""
        return Words(self.person.language or language_of(self.person.tag))

    @property
    def pressed(self) -> bool:
        """Whether a pressed button still waits for its answer."""
        return self._query is not None

    # ── to the chat ───────────────────────────────────────────────────────────────────────────────────────────────

    def say(
        self,
        text: str,
        *,
        buttons: Rows = (),
        slot: str | None = None,
        loud: bool = True,
        reply_to: int | None = None,
        priority: Priority | None = None,
    ) -> None:
        """A message. ``slot``: a name in the whole bot by which it can be changed later, such as ``status:JOB``."""
        payload = {"text": shortened(text, MOST_TEXT), "loud": loud, "reply_to": reply_to}
        self._add(Action.SAY, payload, buttons, slot, priority)

    def edit(
        self,
        slot: str,
        text: str,
        *,
        buttons: Rows = (),
        priority: Priority | None = None,
        captioned: bool = False,
    ) -> None:
        """The slot's message reads so from now on; where there is none, or none any more, it is sent.

        Of several that wait only the newest is sent. ``Priority.PROGRESS`` for what may be left out. A picture keeps
        its picture, and reads so beneath; ``captioned``: it probably is one, which spares a vain call.
        """
        payload = {"text": shortened(text, MOST_TEXT), "loud": False, "captioned": captioned}
        self._add(Action.EDIT, payload, buttons, slot, priority)

    def rebutton(self, slot: str, buttons: Rows = (), *, priority: Priority | None = None) -> None:
        """The slot's message has these buttons from now on; nothing happens where it is gone."""
        self._add(Action.BUTTONS, {}, buttons, slot, priority)

    def photo(
        self, file: str, caption: str = "", *, buttons: Rows = (), slot: str | None = None, loud: bool = True
    ) -> None:
        """A picture (a key of ``Files``), as Telegram flattens it."""
        payload = {"file": file, "text": shortened(caption, MOST_CAPTION), "loud": loud}
        self._add(Action.PHOTO, payload, buttons, slot, None)

    def rephoto(
        self, slot: str, file: str, caption: str = "", *, buttons: Rows = (), priority: Priority | None = None
    ) -> None:
        """The slot's message becomes this picture, a message of words too; sent where it is gone."""
        payload = {"file": file, "text": shortened(caption, MOST_CAPTION), "loud": False}
        self._add(Action.REPHOTO, payload, buttons, slot, priority)

    def sticker(
        self, file: str, *, emoji: str | None = None, buttons: Rows = (), slot: str | None = None, loud: bool = True
    ) -> None:
        """A sticker: a WEBP, TGS or WEBM by its key."""
        self._add(Action.STICKER, {"file": file, "emoji": emoji, "loud": loud}, buttons, slot, None)

    def document(
        self,
        file: str,
        *,
        name: str,
        caption: str = "",
        buttons: Rows = (),
        slot: str | None = None,
        loud: bool = True,
    ) -> None:
        """A file by its key, under a name that the person sees."""
        payload = {"file": file, "name": name, "text": shortened(caption, MOST_CAPTION), "loud": loud}
        self._add(Action.DOCUMENT, payload, buttons, slot, None)

    def album(self, files: Sequence[tuple[str, str]], caption: str = "", *, loud: bool = True) -> None:
        """Two to ten files (key, name) together."""
        if len(files) not in ALBUM:
            raise ValueError(f"{len(files)} files are no album; it has {ALBUM.start} to {ALBUM.stop - 1}")
        payload = {"files": [list(one) for one in files], "text": shortened(caption, MOST_CAPTION), "loud": loud}
        self._add(Action.ALBUM, payload, (), None, None)

    def answer(self, notice: str = "", *, alert: bool = False) -> None:
        """Answer the pressed button, once; nothing happens where none was pressed. Said by itself if never said."""
        if self._query is None:
            return
        payload = {"query": self._query, "text": shortened(notice, MOST_NOTICE), "alert": alert}
        lane = f"q{self._query}"
        self._query = None
        self.effects.append(
            Effect(action=Action.NOTICE, chat=self.chat, payload=payload, priority=Priority.RESULT, lane=lane)
        )

    def delete(self, slot: str) -> None:
        """The slot's message goes."""
        self._add(Action.DELETE, {}, (), slot, None)

    # ── about the person ──────────────────────────────────────────────────────────────────────────────────────────

    def put_state(self, **values: object) -> None:
        """Where the conversation stands, changed by key; None takes a key away."""
        self.person = replace(self.person, state=_merged(self.person.state, values))

    def put_settings(self, **values: object) -> None:
        """The person's settings, likewise."""
        self.person = replace(self.person, settings=_merged(self.person.settings, values))

    def choose_language(self, language: str | None) -> None:
        """From now on, this talk included; None for as Telegram says."""
        self.person = replace(self.person, language=language)

    def consent(self, purpose: str, version: str) -> None:
        """They agree to this text."""
        fresh = Consent(purpose=purpose, version=version, given_ms=now_ms())
        self.person = replace(self.person, consents=(*self.person.consents, fresh))

    def revoke(self, purpose: str) -> None:
        """They take it back."""
        now = now_ms()
        mine = [one.purpose == purpose and one.revoked_ms is None for one in self.person.consents]
        changed = tuple(
            replace(one, revoked_ms=now) if taken_back else one
            for one, taken_back in zip(self.person.consents, mine, strict=True)
        )
        self.person = replace(self.person, consents=changed)

    def forget_person(self) -> None:
        """All that the bot knows of them goes; what this talk says is still sent."""
        self.forgets = True

    # ── jobs ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def next_job_id(self) -> str:
        """Of the job that is submitted next; files for it are put under this id first."""
        return job_id(self.origin, len(self.submitted))

    async def submit(
        self,
        kind: Kind,
        *,
        profile: str,
        style: str,
        pack: Sequence[str] = (),
        photos: Sequence[str] = (),
        options: Json | None = None,
    ) -> JobView:
        """Hand a job in, now; the handler's repetition hands in the same one.

        Raises:
            TooManyJobs: tell them, and submit nothing.
            BadJob: a mistake of ours.
        """
        spec = JobSpec(
            job_id=self.next_job_id(),
            person=self.person.name,
            kind=kind,
            profile=profile,
            style=style,
            pack=tuple(pack),
            photos=tuple(photos),
            options=options or {},
        )
        view = await asyncio.to_thread(self._jobs.submit, spec)
        self.submitted.append(spec.job_id)
        return view

    def _add(self, action: Action, payload: Json, buttons: Rows, slot: str | None, priority: Priority | None) -> None:
        keyboard = [[self._button(button) for button in row] for row in buttons if row]
        more = {"buttons": keyboard, "language": self.words.language}
        chosen = self.priority if priority is None else priority
        self.effects.append(Effect(action=action, chat=self.chat, payload=payload | more, priority=chosen, slot=slot))

    def _button(self, button: Button) -> Json:
        if button.url is not None:
            return {"text": button.text, "url": button.url}
        owner = ANYBODY if button.anybody else self.person.id
        return {"text": button.text, "data": self._seals.token(button.action, button.id, owner=owner)}


def job_id(origin: str, number: int) -> str:
    """The id of the job that a talk of this origin submits as its ``number``-th."""
    return f"{origin}-{number}"


def _merged(before: Json, values: dict[str, object]) -> Json:
    return {name: value for name, value in (before | values).items() if value is not None}
