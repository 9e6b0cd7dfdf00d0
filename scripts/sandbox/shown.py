"""What the page shows: chats, packs and the state of things as JSON, files by their ids only.

Owns that JSON. Knows no HTTP and changes nothing. Loads no heavy library.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from scripts.sandbox.emulator import Button, Emulator, Person
from scripts.sandbox.emulator.contents import Container, sniffed
from scripts.sandbox.emulator.people import Json, Message
from scripts.sandbox.emulator.sets import SetSticker, StickerSet
from scripts.sandbox.emulator.view import seen

PICTURES = (Container.PNG, Container.WEBP, Container.JPEG, Container.GIF)
MOST_PREVIEW_BYTES = 4 << 20  # a larger picture of a document is shown by its thumbnail
MOST_REQUESTS = 40  # of the newest that the drawer lists
SCOPES = ("all_private_chats", "default")  # of commands, in the order of Telegram's clients
SILENT_METHODS = ("getUpdates", "sendChatAction")


def parts(emulator: Emulator, photos: list[str]) -> Iterator[tuple[str, Json]]:
    """Everything, in parts that change one by one: ``about``, ``chat:<id>`` for each person, ``packs``, ``state``."""
    with emulator.world.changed:
        people = list(emulator.people.values())
        user = emulator.bot.user
        about: Json = {"bot": {"name": user.first_name, "username": user.username}, "photos": photos}
        yield "about", about | {"people": [one.user.to_json() for one in people]}
        for one in people:
            yield f"chat:{one.id}", chat(emulator, one)
        yield "packs", {"packs": [pack(emulator, one) for one in sets(emulator)]}
        yield "state", state(emulator)


def chat(emulator: Emulator, person: Person) -> Json:
    """A private chat as the person sees it."""
    view, where = person.see(), person.chat
    messages = [message(emulator, person, one) for one in where.messages.values() if not one.deleted]
    shown: Json = {"messages": messages, "keyboard": view.keyboard, "action": view.action, "blocked": where.blocked}
    language = person.user.language_code
    return shown | {"commands": commands(emulator, language), "description": description(emulator, language)}


def message(emulator: Emulator, person: Person, one: Message) -> Json:
    """A message with its text's entities, its file and its buttons."""
    found = seen(one, person.id, emulator.world.files)
    shown: Json = {"id": found.id, "mine": found.mine, "kind": found.kind, "text": found.text}
    shown |= {"entities": found.entities, "date": int(one.date), "edited": found.edited, "silent": found.silent}
    shown |= {"album": found.album, "reply_to": found.reply_to, "emoji": found.emoji, "set": found.set_name}
    return shown | {"buttons": [[_button(key) for key in row] for row in found.buttons], "file": _file(emulator, one)}


def _button(one: Button) -> Json:
    return {"text": one.text, "url": one.url, "pressable": bool(one.data), "style": one.style}


def _file(emulator: Emulator, one: Message) -> Json | None:
    """The file of a message: its id, name, size, and the id of the picture that stands for it."""
    content = one.content
    kinds = ("photo", "sticker", "animation", "document", "video")
    kind = next((kind for kind in kinds if kind in content), None)
    if kind is None:
        return None
    file: Json = content[kind][-1] if kind == "photo" else content[kind]
    identity = file["file_unique_id"]
    small = file.get("thumbnail", {}).get("file_unique_id", "")
    shown = {key: file.get(key, 0) for key in ("width", "height", "file_size")}
    return (
        shown
        | {"id": identity, "name": file.get("file_name", ""), "still": still(emulator, identity, small)}
        | looks(emulator, identity)
    )


def still(emulator: Emulator, identity: str, thumbnail: str = "") -> str:
    """The id of a picture that a browser can show for a file; empty where there is none."""
    content = emulator.world.files.get(identity).content
    if sniffed(content) in PICTURES and len(content) <= MOST_PREVIEW_BYTES:
        return identity
    return thumbnail


def looks(emulator: Emulator, identity: str) -> Json:
    """How a browser shows it: as a picture, as a video, or by a frame that is drawn for it."""
    kind = sniffed(emulator.world.files.get(identity).content)
    return {"as": "video" if kind is Container.WEBM else "drawn" if kind is Container.TGS else "picture"}


# ── packs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def sets(emulator: Emulator) -> list[StickerSet]:
    """All packs, those of the bot first."""
    made = emulator.world.sets.made_by
    return [*made(emulator.bot.id), *made(0)]


def pack(emulator: Emulator, one: StickerSet) -> Json:
    """A pack with its stickers in their order."""
    owner = emulator.people.get(one.owner_id)
    shown: Json = {"name": one.name, "title": one.title, "by_bot": one.bot_id != 0}
    shown["owner"] = owner.user.first_name if owner else ""
    return shown | {"stickers": [_sticker(emulator, sticker) for sticker in one.stickers]}


def _sticker(emulator: Emulator, one: SetSticker) -> Json:
    picture = still(emulator, one.unique_id, one.thumbnail)
    return {"id": one.unique_id, "emoji": one.emoji_list[0], "still": picture} | looks(emulator, one.unique_id)


# ── what the bot says about itself, and what it has done ──────────────────────────────────────────────────────────────


def commands(emulator: Emulator, language: str) -> list[Json]:
    """The command menu: the narrower scope first, in each the person's language first."""
    known = emulator.bot.commands
    for scope in SCOPES:
        for spoken in (language, ""):
            found = known.get((json.dumps({"type": scope}, sort_keys=True), spoken))
            if found:
                return found
    return []


def description(emulator: Emulator, language: str) -> str:
    """What an empty chat shows."""
    texts = emulator.bot.texts
    return texts.get(("description", language)) or texts.get(("description", ""), "")


def state(emulator: Emulator) -> Json:
    """For the drawer: rules that were broken, rules of faults in force, the newest requests."""
    told = [one for one in emulator.record.requests[-10 * MOST_REQUESTS :] if one.method not in SILENT_METHODS]
    requests = [{"number": one.number, "method": one.method, "status": one.status} for one in told[-MOST_REQUESTS:]]
    broken = [f"{one.rule}: {one.text}" for one in emulator.world.broken[-MOST_REQUESTS:]]
    faults = [f"{one.kind.value} {one.method} ×{one.times}" for one in emulator.faults.rules if one.times != 0]
    return {"requests": requests, "broken": broken, "faults": faults}


def served_as(content: bytes) -> str | None:
    """The type under which a file may be shown within the page; None: it is to be saved, never shown."""
    kind = sniffed(content)
    return kind.value if kind in PICTURES or kind in (Container.WEBM, Container.MP4) else None
