"""Many simulated people before the emulator, played by one thread: each is a generator that sends, presses and waits.

Nothing is looked at that did not change: the emulator tells of each message that the bot sends or edits.
"""

import heapq
import itertools
import queue
import random
import time
from dataclasses import dataclass, field

from bot.texts import Words
from tests.chat_desk import SET

WORDS = Words("en")
THINK_S = (1.0, 8.0)  # before the next deed
PATIENCE_S = 300.0  # for one thing


@dataclass
class Wait:
    """Until a message fits; ``name``: of what is being waited for, in the figures."""

    fits: object
    name: str
    since: float  # in ticks


@dataclass
class Somebody:
    """One of them, and how far they are."""

    person: object
    life: object = None
    wait: Wait | None = None
    done: bool = False
    gave_up: str = ""
    at: float = 0.0  # when what they waited for last came, in ticks
    took: list = field(default_factory=list)  # (name, seconds)


def text_of(message):
    return str(message.content.get("text") or message.content.get("caption") or "")


def data_of(message, label):
    """Of the button with these words; None where there is none."""
    for row in (message.markup or {}).get("inline_keyboard", ()):
        for button in row:
            if label in button["text"] and "callback_data" in button:
                return button["callback_data"]
    return None


class Crowd:
    """Plays them all; ``run`` ends once every one is done or has given up."""

    def __init__(self, emulator, people, *, minutes, photo, seed=0):
        self.emulator, self.photo, self.minutes = emulator, photo, minutes
        self.chance = random.Random(seed)
        self.news, self.due, self._order = queue.SimpleQueue(), [], itertools.count()
        self.all = [Somebody(emulator.person(f"L{number}")) for number in range(people)]
        self.of_chat = {one.person.id: one for one in self.all}
        emulator.world.watchers.append(self._tell)

    def _tell(self, chat, message):
        self.news.put((chat.id, message, self.emulator.clock.ticks()))

    def later(self, seconds, one):
        heapq.heappush(self.due, (time.monotonic() + seconds, next(self._order), one))

    def run(self, *, tick=lambda: None):
        """``tick``: called about once a second."""
        at_s = 0.0
        for one in self.all:  # Poisson: what is between two is exponential
            at_s += self.chance.expovariate(len(self.all) / (60.0 * self.minutes))
            one.life = self.live(one)
            self.later(at_s, one)
        left, next_s = len(self.all), 0.0
        while left:
            now_s = time.monotonic()
            if now_s >= next_s:
                next_s = now_s + 1.0
                tick()
                self._hurry()
            while self.due and self.due[0][0] <= now_s:
                one = heapq.heappop(self.due)[2]
                if not one.done:
                    left -= self._go(one, None)
            try:
                wait_s = min(1.0, max(0.0, self.due[0][0] - time.monotonic())) if self.due else 1.0
                chat, message, ticks = self.news.get(timeout=wait_s)
            except queue.Empty:
                continue
            one = self.of_chat.get(chat)
            if one is not None and one.wait is not None and ticks >= one.wait.since and one.wait.fits(message):
                one.took.append((one.wait.name, ticks - one.wait.since))
                one.at = ticks
                left -= self._go(one, message)

    def _hurry(self):
        """Whoever has waited too long gives up."""
        for one in self.all:
            if one.wait is not None and self.emulator.clock.ticks() - one.wait.since > PATIENCE_S:
                one.gave_up, one.wait = one.wait.name, None
                self.later(0.0, one)

    def _go(self, one, message):
        """On to the next wait or pause. Whether they are done."""
        one.wait = None
        try:
            if one.gave_up:
                raise StopIteration
            asked = one.life.send(message)
        except StopIteration:
            one.done = True
            return 1
        if isinstance(asked, Wait):
            one.wait = asked
        else:
            self.later(asked, one)
        return 0

    # ── a life ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def thinks(self):
        return self.chance.uniform(*THINK_S)

    def until(self, name, fits):
        return Wait(fits, name, self.emulator.clock.ticks())

    def press(self, one, message, label, name, fits):
        """After a thought; what follows from it is waited for."""
        data = data_of(message, label)
        assert data is not None, (label, message)
        one.person.press(data=data, on=message.id)
        return self.until(name, fits)

    def live(self, one):
        """Start, a pack, its style, a photo, the buttons below the sticker."""
        say = WORDS
        one.person.start()
        yield self.until("a word → its answer", lambda message: True)
        yield self.thinks()
        one.person.sticker(SET)
        asked = yield self.until("a word → its answer", lambda message: data_of(message, say("key-learn")))
        yield self.thinks()
        label = say("key-agree")
        asked = yield self.press(one, asked, say("key-learn"), "a press → its effect", lambda m: data_of(m, label))
        yield self.thinks()
        learned = say("learned", title="Cats")[:20]
        same = asked.id  # whatever it says by then: what is told later supersedes what was not sent yet
        yield self.press(one, asked, label, "a press → its effect", lambda m: m.id == same)
        yield Wait(lambda message: text_of(message).startswith(learned), "a pack → its style", one.at)
        yield self.thinks()
        one.person.post(self.photo)
        sticker = yield self.until("a photo → its sticker", lambda message: "sticker" in message.content)
        yield self.thinks()
        if self.chance.random() < 0.5:
            begun = lambda m: "text" in m.content  # noqa: E731
            yield self.press(one, sticker, say("key-outline"), "a press → its effect", begun)
            yield Wait(lambda message: "sticker" in message.content, "a photo → its sticker", one.at)
            yield self.thinks()
        back = say("key-back")
        yield self.press(one, sticker, say("key-emoji", emoji=""), "a press → its effect", lambda m: data_of(m, back))
        yield self.thinks()
        usual = say("key-another")
        yield self.press(one, sticker, "😀", "a press → its effect", lambda m: data_of(m, usual))
        yield self.thinks()
        yield self.press(one, sticker, say("key-new-pack"), "a press → a pack", lambda m: "addstickers" in text_of(m))
