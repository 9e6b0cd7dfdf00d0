"""Somebody who presses buttons, and sticker sets that change under the bot: handlers and errands without a process."""

import asyncio
from types import SimpleNamespace

from telegram.error import BadRequest

from bot import things
from bot.buttons import Pressed, Verdict
from bot.doing import Kit
from bot.errands import State, errands
from bot.keyboards import DEFAULT_EMOJI
from bot.outbox import Outbox
from bot.routes import Event
from bot.things import Has

ANNA = 7


class Sets:
    """What Telegram has of sticker sets: name → [uid, emoji]; ``meanwhile`` runs within the next write."""

    def __init__(self):
        self.there, self.uploads, self.meanwhile = {}, 0, None

    async def get_sticker_set(self, name):
        if name not in self.there:
            raise BadRequest("Stickerset_invalid")
        stickers = [SimpleNamespace(file_unique_id=uid, file_id=f"f-{uid}") for uid, _ in self.there[name]]
        return SimpleNamespace(name=name, title=name, stickers=stickers)

    async def upload_sticker_file(self, _person, _data, _format):
        self.uploads += 1
        return SimpleNamespace(file_id=f"f-uid{self.uploads}", file_unique_id=f"uid{self.uploads}")

    async def create_new_sticker_set(self, _person, name, _title, stickers):
        self.there[name] = [await self._written(stickers[0])]
        return True

    async def add_sticker_to_set(self, _person, name, sticker):
        self.there[name].append(await self._written(sticker))
        return True

    async def delete_sticker_from_set(self, file_id):
        for name, stickers in self.there.items():
            self.there[name] = [one for one in stickers if f"f-{one[0]}" != file_id]
        return True

    async def delete_sticker_set(self, name):
        return bool(self.there.pop(name))

    async def set_sticker_emoji_list(self, file_id, emoji):
        for one in (one for stickers in self.there.values() for one in stickers if f"f-{one[0]}" == file_id):
            one[1] = "".join(emoji)
        return True

    async def _written(self, sticker):
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()
        return [sticker.sticker.removeprefix("f-"), "".join(sticker.emoji_list)]


class Chat:
    """Anna's."""

    def __init__(self, desk):
        self.desk, self.sets, self.count = desk, Sets(), 0
        files = SimpleNamespace(read=lambda _: b"webp", delete=lambda _: None)
        self.services = SimpleNamespace(bot=self.sets, desk=desk, jobs=desk.jobs, files=files, username="a_bot")

    def talk(self, **more):
        self.count += 1
        return self.desk.talk(origin=f"u{self.count}", person=self.desk.person(ANNA), chat=ANNA, **more)

    def presses(self, answer, action, id=""):
        """What came of it: the talk, settled."""
        return asyncio.run(self.press(answer, action, id))

    async def press(self, answer, action, id=""):
        talk = self.talk(query="q")
        pressed = Pressed(verdict=Verdict.FINE, action=action, id=id)
        await answer(Event(update=None, services=self.services, chat=ANNA, pressed=pressed), talk)
        self.desk.settle(talk)
        return talk

    def writes(self, answer, text, *about):
        """What came of words: the talk, settled. ``about``: what they answer."""
        talk = self.talk()
        update = SimpleNamespace(message=SimpleNamespace(text=text))
        asyncio.run(answer(Event(update=update, services=self.services, chat=ANNA), talk, *about))
        self.desk.settle(talk)
        return talk

    def has(self, kind, id, **value):
        talk = self.talk()
        things.keep(talk, kind, id, value)
        self.desk.settle(talk)

    def loses(self, kind, id):
        talk = self.talk()
        things.drop(talk, kind, id)
        self.desk.settle(talk)

    def shown(self):
        """Slot → what is to be read there, the newest."""
        return {row.slot: row.payload.get("text") for row in Outbox(self.desk.engine, self.desk.vault).heads()}

    def has_sticker(self, id="u1-0.0", **more):
        value = {"webp": "w", "png": "p", "emoji": [DEFAULT_EMOJI], "proposed": [DEFAULT_EMOJI, "🐱"], "packs": {}}
        value |= {"seed": 0, "source": {"file": "f", "name": "photo", "size": 1}, "style": "s", "profile": "embedded"}
        self.has(Has.STICKER, id, **(value | {"options": {}, "outline": False, "shown": True} | more))
        return id

    def has_style(self, id="s", **more):
        self.has(Has.STYLE, id, **({"title": "Cats", "profile": "embedded", "pictures": 8, "was": []} | more))
        return id

    def thing(self, kind, id):
        return things.thing(self.desk, ANNA, kind, id)

    def open(self, *states):
        return errands(self.desk, states=states or (State.OPEN,), person=ANNA)

    def does(self, act):
        """The oldest open errand, done."""
        [one, *_] = self.open()
        asyncio.run(act(one, Kit(self.services)))
        return one


def notice(talk):
    """What the pressed button was answered."""
    [found] = [effect.payload["text"] for effect in talk.effects if effect.action == "notice"]
    return found


def buttons(desk, effect):
    """Text → (action, id) of what it shows."""
    row = [button for row in effect["buttons"] for button in row if "data" in button]
    read = {button["text"]: desk.seals.read(button["data"], presser=ANNA) for button in row}
    return {text: (pressed.action, pressed.id) for text, pressed in read.items()}
