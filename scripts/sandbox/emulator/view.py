"""A chat as a person sees it: messages as they stand now, with their pictures and buttons.

Owns that view. Knows nothing of bots' requests; loads no heavy library.
"""

from __future__ import annotations

from dataclasses import dataclass

from scripts.sandbox.emulator.files import Files
from scripts.sandbox.emulator.people import Chat, Json, Message

KINDS = ("text", "photo", "sticker", "animation", "document", "video", "voice", "audio", "location", "contact")


@dataclass(frozen=True, kw_only=True)
class Button:
    """A button of an inline keyboard. ``data`` is empty where it opens an address or does something else."""

    text: str
    data: str = ""
    url: str = ""
    style: str = ""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A message.

    ``text`` is a caption where there is a file; ``file`` is the file's content, a photo's in its largest size.
    """

    id: int
    who: str
    mine: bool
    kind: str
    text: str
    buttons: tuple[tuple[Button, ...], ...]
    file: bytes = b""
    file_name: str = ""
    emoji: str = ""
    set_name: str = ""
    edited: bool = False
    silent: bool = False
    album: str = ""
    reply_to: int | None = None
    entities: tuple[Json, ...] = ()

    def button(self, text: str) -> Button | None:
        """The button that says so, or whose text contains it."""
        all_buttons = [button for row in self.buttons for button in row]
        exact = [button for button in all_buttons if button.text == text]
        return next(iter(exact + [button for button in all_buttons if text in button.text]), None)

    def __str__(self) -> str:
        parts = [f"#{self.id} {self.who}:", f"[{self.kind}]" if self.kind != "text" else "", self.emoji, self.text]
        parts += ["(edited)"] if self.edited else []
        parts += ["| " + " · ".join(button.text for button in row) for row in self.buttons]
        return " ".join(part for part in parts if part)


@dataclass(frozen=True, kw_only=True)
class View:
    """What is on the screen: the messages from the oldest on, the reply keyboard, what the bot is doing right now."""

    messages: tuple[Seen, ...]
    keyboard: tuple[tuple[str, ...], ...] = ()
    action: str = ""

    @property
    def last(self) -> Seen | None:
        return self.messages[-1] if self.messages else None

    @property
    def from_bot(self) -> tuple[Seen, ...]:
        """What is not from the person who looks."""
        return tuple(one for one in self.messages if not one.mine)

    def find(self, text: str) -> Seen | None:
        """The newest message that contains a text."""
        return next((one for one in reversed(self.messages) if text in one.text), None)

    def of_kind(self, kind: str) -> tuple[Seen, ...]:
        return tuple(one for one in self.messages if one.kind == kind)

    def __str__(self) -> str:
        return "\n".join(map(str, self.messages)) or "(an empty chat)"


def view_of(chat: Chat, user_id: int, files: Files, ticks: float) -> View:
    """The chat as one person sees it now."""
    rows = (chat.keyboard or {}).get("keyboard", ())
    keyboard = tuple(tuple(key["text"] if isinstance(key, dict) else str(key) for key in row) for row in rows)
    acting = chat.action is not None and ticks - chat.action[1] <= 5
    messages = tuple(seen(one, user_id, files) for one in chat.messages.values() if not one.deleted)
    return View(messages=messages, keyboard=keyboard, action=chat.action[0] if acting and chat.action else "")


def seen(message: Message, user_id: int, files: Files) -> Seen:
    """One message."""
    content = message.content
    kind = next((one for one in KINDS if one in content), "other")
    file: Json = (
        content["photo"][-1] if kind == "photo" else content[kind] if isinstance(content.get(kind), dict) else {}
    )
    unique_id = file.get("file_unique_id", "")
    return Seen(
        id=message.id,
        who=message.sender.first_name,
        mine=message.sender.id == user_id,
        kind=kind,
        text=str(content.get("text") or content.get("caption") or ""),
        buttons=_buttons(message.markup),
        file=files.get(unique_id).content if unique_id else b"",
        file_name=file.get("file_name", ""),
        emoji=file.get("emoji", ""),
        set_name=file.get("set_name", ""),
        edited=message.edited is not None,
        silent=message.silent,
        album=message.extra.get("media_group_id", ""),
        reply_to=message.reply_to,
        entities=tuple(content.get("entities") or content.get("caption_entities") or ()),
    )


def _buttons(markup: Json | None) -> tuple[tuple[Button, ...], ...]:
    rows = (markup or {}).get("inline_keyboard", ())
    return tuple(tuple(_button(one) for one in row) for row in rows)


def _button(one: Json) -> Button:
    return Button(
        text=one["text"], data=one.get("callback_data", ""), url=one.get("url", ""), style=one.get("style", "")
    )
