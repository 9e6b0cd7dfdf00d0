"""A group: several people and a bot.

Owns who is in it, the bot's coming and going, and the move to a supergroup. Loads no heavy library.
"""

from __future__ import annotations

from scripts.sandbox.emulator.methods.chats import change_status
from scripts.sandbox.emulator.people import Bot
from scripts.sandbox.emulator.person import Person
from scripts.sandbox.emulator.world import World


class Group:
    """Made by ``Emulator.group``; the bot is in it from the start."""

    def __init__(self, world: World, title: str, people: tuple[Person, ...], bot: Bot, kind: str = "group") -> None:
        self._world, self._bot = world, bot
        with world.changed:
            self.chat = world.add_group(title, kind)
            for person in people:
                self.add(person)
            if people:
                self.chat.status[people[0].id] = "creator"
                self.add_bot(by=people[0])

    @property
    def id(self) -> int:
        return self.chat.id

    def add(self, person: Person) -> None:
        with self._world.changed:
            self.chat.members[person.id] = person.user

    def add_bot(self, *, by: Person, as_administrator: bool = False) -> None:
        """Let the bot in, or make an administrator of it; it is told by my_chat_member."""
        with self._world.changed:
            if self._bot not in self.chat.bots:
                self.chat.bots.append(self._bot)
            self.chat.members[self._bot.id] = self._bot.user
            change_status(self._world, self._bot, self.chat, by.user, "administrator" if as_administrator else "member")
        self._world.tell()

    def kick_bot(self, *, by: Person) -> None:
        with self._world.changed:
            self.chat.bots.remove(self._bot)
            self.chat.members.pop(self._bot.id, None)
            change_status(self._world, self._bot, self.chat, by.user, "kicked")
        self._world.tell()

    def migrate(self, *, by: Person) -> None:
        """Become a supergroup: a new id, told by a service message; who writes to the old one is told the new one."""
        with self._world.changed:
            old, new = self.chat, self._world.add_group(self.chat.title, "supergroup")
            new.bots, new.members, new.status = old.bots, old.members, old.status
            old.moved_to = new.id
            for chat, content in ((old, {"migrate_to_chat_id": new.id}), (new, {"migrate_from_chat_id": old.id})):
                message = self._world.post(chat, by.user, content)
                for bot in chat.bots:
                    bot.updates.push("message", self._world.shown(message, chat, bot))
            self.chat = new
        self._world.tell()
