"""What must hold at the end, whatever happened: nobody left without an answer, no rate broken, nothing told twice, no
token shown.

Owns these questions of the world. What is broken at a moment (rates, blocked people, malformed requests) is noted when
it happens. Loads nothing but the standard library.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator

from scripts.sandbox.emulator.people import Chat
from scripts.sandbox.emulator.view import Seen, seen
from scripts.sandbox.emulator.world import Violation, World

FinalKey = Callable[[Seen], Hashable | None]


def violations(
    world: World,
    *,
    outputs: Iterable[str] = (),
    final_key: FinalKey | None = None,
    expected: Collection[Hashable] = (),
) -> list[Violation]:
    """All rules that the bots have broken so far.

    ``outputs``: logs and the like, in which no token may stand. ``final_key``: the key of a message that is a final
    result, None for any other; each of ``expected`` must have been sent exactly once, and no key twice.
    """
    found = list(world.broken)
    found += _unanswered_queries(world)
    found += _unanswered_people(world)
    found += _shown_tokens(world, outputs)
    if final_key is not None:
        found += _finals(world, final_key, expected)
    return found


def _unanswered_queries(world: World) -> Iterator[Violation]:
    for query in world.queries.values():
        if query.answer is None:
            yield Violation(rule="unanswered", text=f"{query.who.first_name}'s {query.what!r} was never answered")


def _private_chats(world: World) -> Iterator[Chat]:
    return (chat for chat in world.chats.values() if chat.type == "private")


def _unanswered_people(world: World) -> Iterator[Violation]:
    """A person's message after which the bot neither sent nor changed anything in that chat."""
    for chat in _private_chats(world):
        waiting = [
            message
            for message in chat.messages.values()
            if not message.sender.is_bot and not message.deleted and message.ticks > chat.bot_acted
        ]
        if waiting and chat.person is not None and not (chat.blocked or chat.deactivated):
            said = waiting[0].content.get("text", next(iter(waiting[0].content)))
            yield Violation(rule="silent", text=f"{chat.person.first_name} got no answer to {said!r}")


def _shown_tokens(world: World, outputs: Iterable[str]) -> Iterator[Violation]:
    """A token, or its secret half, in a text; and in what bots wrote to people."""
    secrets = {token.partition(":")[2]: bot.user.username for token, bot in world.bots.items()}
    said = (_words(world, chat) for chat in world.chats.values())
    for number, text in enumerate([*outputs, *said]):
        for secret, username in secrets.items():
            if secret in text:
                yield Violation(rule="token", text=f"the token of @{username} stands in output {number}")


def _words(world: World, chat: Chat) -> str:
    return "\n".join(f"{one.content} {one.markup}" for one in chat.messages.values() if one.sender.is_bot)


def _finals(world: World, final_key: FinalKey, expected: Collection[Hashable]) -> Iterator[Violation]:
    """Deleted results count: what was shown once was shown."""
    bots = [one for chat in world.chats.values() for one in chat.messages.values() if one.sender.is_bot]
    keys = Counter(key for one in bots if (key := final_key(seen(one, 0, world.files))) is not None)
    for key in {*keys, *expected}:
        if keys[key] != 1:
            yield Violation(rule="final", text=f"the final result {key!r} was sent {keys[key]} times, not once")
