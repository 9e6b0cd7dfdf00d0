"""One call of a method: who calls, with which values and files, and the questions that every method asks of it.

Owns the ways from a value to a chat, a message, a file, a formatted text. Knows no method; loads no heavy library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scripts.sandbox.emulator import markup
from scripts.sandbox.emulator.errors import Malformed, bad_request
from scripts.sandbox.emulator.files import StoredFile
from scripts.sandbox.emulator.limits import units
from scripts.sandbox.emulator.parameters import ATTACHED, Upload
from scripts.sandbox.emulator.people import Bot, Chat, Json, Message
from scripts.sandbox.emulator.world import World

MOST_TEXT, MOST_CAPTION = 4096, 1024
MOST_UPLOAD_BYTES = 50 << 20


@dataclass(frozen=True, kw_only=True)
class GivenFile:
    """A file that a value names: its content, and as what the bot knew it (empty: just uploaded)."""

    stored: StoredFile
    kind: str = ""
    set_name: str = ""


@dataclass(frozen=True, kw_only=True)
class Call:
    """A checked call. ``values`` as ``parameters.checked`` gives them."""

    world: World
    bot: Bot
    method: str
    values: Mapping[str, Any]
    uploads: Mapping[str, Upload]

    def get(self, name: str, default: Any = None) -> Any:
        return self.values.get(name, default)

    def writable(self) -> Chat:
        """The chat that the call writes to."""
        return self.world.writable(self.bot, self.values["chat_id"])

    def file(self, value: Any, *, wanted: str = "") -> GivenFile:
        """The file that a value names: an upload, attach://, or this bot's file_id of the ``wanted`` kind."""
        if isinstance(value, str) and value.startswith(ATTACHED):
            value = self.uploads[value.removeprefix(ATTACHED)]
        if isinstance(value, Upload):
            if len(value.content) > MOST_UPLOAD_BYTES:
                raise bad_request("file is too big")
            if not value.content:
                raise bad_request("file must be non-empty")
            return GivenFile(stored=self.world.files.put(value.content, name=value.name, mime=value.mime))
        if value.startswith(("http://", "https://")):
            raise bad_request("failed to get HTTP URL content (emulator: it fetches nothing; upload the file)")
        seen = self.world.files.seen(self.bot.id, value)
        if wanted and seen.kind != wanted:
            raise bad_request(f"type of file mismatch (emulator: a {seen.kind} was given for a {wanted})")
        return GivenFile(stored=self.world.files.get(seen.unique_id), kind=seen.kind, set_name=seen.set_name)

    def text(self) -> Json:
        """The formatted text of a message. Raises Refused: empty, too long."""
        plain, entities = markup.read(self.values["text"], self.get("parse_mode"), self.get("entities"))
        if not plain:
            raise bad_request("message text is empty")
        if units(plain) > MOST_TEXT:
            raise Malformed("message is too long")
        return {"text": plain} | ({"entities": entities} if entities else {})

    def caption(self, source: Mapping[str, Any] | None = None) -> Json:
        """The formatted caption of the call, or of one item of an album; nothing where there is none."""
        given = self.values if source is None else source
        plain, entities = markup.read(given.get("caption", ""), given.get("parse_mode"), given.get("caption_entities"))
        if units(plain) > MOST_CAPTION:
            raise Malformed("message caption is too long")
        if not plain:
            return {}
        return {"caption": plain} | ({"caption_entities": entities} if entities else {})

    def inline_keyboard(self) -> Json | None:
        """The inline keyboard of the call, if it has one with buttons."""
        keyboard: Json | None = self.get("reply_markup")
        return keyboard if keyboard and any(keyboard.get("inline_keyboard", ())) else None

    def replied(self, chat: Chat) -> int | None:
        """The message that is answered. Raises Refused if it is gone and may not be."""
        parameters = self.get("reply_parameters")
        if not parameters:
            return None
        if chat.live(parameters["message_id"]) is not None:
            return int(parameters["message_id"])
        if parameters.get("allow_sending_without_reply"):
            return None
        raise bad_request("message to be replied not found")

    def post(self, chat: Chat, content: Json, **rest: Any) -> Message:
        """Send: the message with its keyboard, and the reply keyboard of the chat."""
        keyboard = self.get("reply_markup") or {}
        if "keyboard" in keyboard or "remove_keyboard" in keyboard:
            chat.keyboard = keyboard if "keyboard" in keyboard else None
        rest |= {"markup": self.inline_keyboard(), "silent": bool(self.get("disable_notification"))}
        return self.world.post(chat, self.bot.user, content, reply_to=self.replied(chat), **rest)

    def shown(self, message: Message, chat: Chat) -> Json:
        """The message as the method's result."""
        return self.world.shown(message, chat, self.bot)
