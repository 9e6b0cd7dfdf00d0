"""A person at a phone: what they send, press and see.

Owns the person's side for tests, the control surface and the page. Everything reaches the bot as updates only. Loads no
heavy library.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from scripts.sandbox.emulator.errors import WrongUse
from scripts.sandbox.emulator.markup import by_itself
from scripts.sandbox.emulator.methods import media
from scripts.sandbox.emulator.methods.chats import change_status
from scripts.sandbox.emulator.people import Bot, Chat, Json, Message, User
from scripts.sandbox.emulator.pressing import Pressed, ask_inline, press
from scripts.sandbox.emulator.view import Button, Seen, View, view_of
from scripts.sandbox.emulator.world import Query, World

if TYPE_CHECKING:
    from scripts.sandbox.emulator.group import Group


class Person:
    """A person who talks to one bot, and in groups. Made by ``Emulator.person``."""

    def __init__(self, world: World, user: User, bot: Bot) -> None:
        self._world, self.user, self._bot = world, user, bot

    @property
    def id(self) -> int:
        return self.user.id

    @property
    def chat(self) -> Chat:
        """The private chat with the bot."""
        return self._world.private_chat(self._bot, self.user)

    def _chat(self, group: Group | None) -> Chat:
        if group is None:
            return self.chat
        if self.id not in group.chat.members:
            raise WrongUse(
                f"{self.user.first_name!r} is not in the group {group.chat.title!r}: group.add(person) first"
            )
        return group.chat

    # ── sending ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def send(self, text: str, *, group: Group | None = None, reply_to: Seen | Message | int | None = None) -> Message:
        """Write a text; commands, links and mentions in it are marked as every client marks them."""
        found = by_itself(text)
        return self.post({"text": text} | ({"entities": found} if found else {}), group=group, reply_to=reply_to)

    def start(self, payload: str = "") -> Message:
        """Press Start, or open ``t.me/<bot>?start=<payload>``."""
        return self.send(f"/start {payload}".strip())

    def photo(self, content: bytes, *, caption: str = "", album: str = "", **where: Any) -> Message:
        """Send a picture as a photo: the client makes a JPEG of it. Photos with the same ``album`` belong together."""
        return self.post(self.photo_of(content, caption=caption), album=album, **where)

    def photo_of(self, content: bytes, *, caption: str = "") -> Json:
        """What a photo's message holds, for ``post``: an album is made ready before its first message is sent."""
        with self._world.changed:
            return media.photo(self._world, content) | _caption(caption)

    def document(
        self,
        content: bytes,
        *,
        name: str = "picture.png",
        mime: str = "",
        caption: str = "",
        album: str = "",
        **where: Any,
    ) -> Message:
        """Send a file as it is."""
        return self.post(self.document_of(content, name=name, mime=mime, caption=caption), album=album, **where)

    def document_of(self, content: bytes, *, name: str, mime: str = "", caption: str = "") -> Json:
        """What a file's message holds, for ``post``."""
        with self._world.changed:
            stored = self._world.files.put(content, name=name)
            return media.document(self._world, stored, name, mime=mime) | _caption(caption)

    def sticker(self, of: str | bytes, index: int = 0, **where: Any) -> Message:
        """Send a sticker: of any set, by the set's name and the place in it; or a loose one, by its content."""
        with self._world.changed:
            if isinstance(of, bytes):
                shown = media.sticker(self._world, self._world.files.put(of, name="sticker.webp"))
            else:
                found = self._world.sets.find(of)
                shown = {"sticker": self._world.sets.sticker_json(found, found.stickers[index])}
        return self.post(shown, **where)

    def post(
        self,
        content: Json,
        *,
        group: Group | None = None,
        reply_to: Seen | Message | int | None = None,
        album: str = "",
        extra: Json | None = None,
    ) -> Message:
        """Send any content, as in the Message object: what the ways above do not know (voice, location, ...)."""
        with self._world.changed:
            chat = self._chat(group)
            if chat.blocked or chat.deactivated:
                raise WrongUse(f"{self.user.first_name!r} has blocked the bot: unblock() before writing")
            more = dict(extra or {}) | ({"media_group_id": f"{self.id}{album}"} if album else {})
            answered = reply_to if isinstance(reply_to, int | None) else reply_to.id
            message = self._world.post(chat, self.user, content, reply_to=answered, extra=more)
            self._deliver("message", chat, message)
        self._world.tell()
        return message

    def edit(self, message: Message, text: str, *, group: Group | None = None) -> None:
        """Change an own message; the bot gets ``edited_message``."""
        with self._world.changed:
            if message.sender.id != self.id:
                raise WrongUse(f"message {message.id} is not {self.user.first_name!r}'s own")
            message.past.append((message.content, message.markup))
            message.content, message.edited = {"text": text, "entities": by_itself(text)}, self._world.clock.now()
            self._deliver("edited_message", self._chat(group), message)
        self._world.tell()

    def delete(self, message: Message | Seen, *, group: Group | None = None) -> None:
        """Delete a message, anyone's in a private chat. Bots are not told."""
        with self._world.changed:
            self._chat(group).messages[message.id].deleted = True
        self._world.tell()

    def _deliver(self, kind: str, chat: Chat, message: Message) -> None:
        for bot in chat.bots:
            if chat.type == "private" or _reaches(message, chat, bot):
                bot.updates.push(kind, self._world.shown(message, chat, bot))

    # ── pressing ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def press(
        self,
        button: str | Button = "",
        *,
        on: Seen | Message | int | None = None,
        data: str | None = None,
        group: Group | None = None,
    ) -> Pressed:
        """Press a button by its text, on one message or on the newest that has it; ``data`` alone is a forged press."""
        with self._world.changed:
            place = on if isinstance(on, int | None) else on.id
            pressed = press(self._world, self.user, self._chat(group), button, place, data)
        self._world.tell()
        return pressed

    def inline(self, text: str, *, offset: str = "") -> Query:
        """Type ``@bot text`` somewhere; the bot's results come into ``answer`` of what is returned."""
        with self._world.changed:
            query = ask_inline(self._world, self.user, self._bot, text, offset)
        self._world.tell()
        return query

    def choose(self, query: Query, index: int = 0, *, group: Group | None = None) -> Message:
        """Send one of the inline results, as far as it is a sticker of the bot's."""
        with self._world.changed:
            result = (query.answer or {"results": []})["results"][index]
            seen = self._world.files.seen(self._bot.id, result["sticker_file_id"])
            shown = media.known_sticker(self._world, seen.unique_id, seen.set_name)
        return self.post(shown, group=group, extra={"via_bot": self._bot.user.to_json()})

    # ── blocking ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def block(self) -> None:
        """Stop the bot."""
        self._set_blocked(True)

    def unblock(self) -> None:
        self._set_blocked(False)

    def _set_blocked(self, blocked: bool) -> None:
        with self._world.changed:
            chat = self.chat
            if chat.blocked is not blocked:
                chat.blocked, chat.block_is_known = blocked, False
                change_status(self._world, self._bot, chat, self.user, "kicked" if blocked else "member")
        self._world.tell()

    def deactivate(self) -> None:
        """Delete the account; the bot is not told."""
        with self._world.changed:
            self.chat.deactivated = True

    def take_out(self, name: str, index: int) -> None:
        """Take a sticker out of an own set in the app, behind the bot's back."""
        with self._world.changed:
            del self._own_set(name).stickers[index]

    def delete_set(self, name: str) -> None:
        """Delete an own set in the app, behind the bot's back."""
        with self._world.changed:
            self._world.sets.remove(self._own_set(name).name)

    def _own_set(self, name: str) -> Any:
        found = self._world.sets.find(name)
        if found.owner_id != self.id:
            raise WrongUse(f"the set {name!r} is not {self.user.first_name!r}'s own")
        return found

    # ── seeing ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def see(self, *, group: Group | None = None) -> View:
        """The chat as it stands now."""
        with self._world.changed:
            return view_of(self._chat(group), self.id, self._world.files, self._world.clock.ticks())

    def wait(self, until: Callable[[View], Any], *, timeout_s: float = 10.0, group: Group | None = None) -> View:
        """Look until ``until`` is content with the view. Raises TimeoutError that shows the chat (real seconds)."""
        with self._world.changed:
            if not self._world.changed.wait_for(lambda: until(self.see(group=group)), timeout_s):
                raise TimeoutError(f"the chat did not get there within {timeout_s:g} s:\n{self.see(group=group)}")
            return self.see(group=group)


def _caption(text: str) -> Json:
    found = by_itself(text)
    return ({"caption": text} if text else {}) | ({"caption_entities": found} if found else {})


def _reaches(message: Message, chat: Chat, bot: Bot) -> bool:
    """Privacy mode of groups: a bot gets commands, answers to its messages, and what was sent through it."""
    text = str(message.content.get("text") or message.content.get("caption") or "")
    if text.startswith("/"):
        addressed = text.split()[0].partition("@")[2].lower()
        return addressed in ("", bot.user.username.lower())
    answered = chat.messages.get(message.reply_to or 0)
    return answered is not None and answered.sender.id == bot.id
