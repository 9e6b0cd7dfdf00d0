"""A day of one person at the bot, as a thread that sends, presses, and waits for what must come; for ``bot_soak``.

What they do is drawn by their number's chance. Whatever does not come in time, they note and go home.
"""

import random
import threading
import time

from bot.texts import Words
from scripts.sandbox.emulator.seed import jpeg, png
from tests.bot_desk import REPEAT
from tests.chat_desk import SET, zipped

LOOK_S = 0.1
WAYS = ("sticker", "link", "zip", "album")
REDRAW = ("key-another", "key-weaker", "key-stronger", "key-outline")


class Missed(Exception):
    """What had to come did not."""


class Day(threading.Thread):
    """``hour``: told after each part of the day."""

    def __init__(self, studio, number, *, seed, patience_s, whole=True, hour=lambda: None):
        super().__init__(name=f"person {number}", daemon=True)
        self.studio, self.number, self.patience_s, self.whole, self.hour = studio, number, patience_s, whole, hour
        self.chance = random.Random(f"{seed} {number}")
        language = ("en", "ru")[number % 2]
        self.words = Words(language)
        self.person = studio.emulator.person(f"P{number}", language_code=language)
        self.enough = lambda: True
        self.group = self.stranger = None  # where somebody else presses this person's buttons
        self.missed, self.title = [], ""
        self.drawn, self.learned, self.packed, self.left = 0, 0, 0, False  # what must be there at the end

    def run(self):
        try:
            for part in (self.morning, self.learns, self.draws, self.packs, self.tidies, self.plays, self.evening):
                part()
                self.hour()
        except Missed as error:
            self.missed.append(str(error))
        except Exception as error:  # told at the end, with the others
            self.missed.append(f"{type(error).__name__}: {error}")

    # ── seeing and pressing ───────────────────────────────────────────────────────────────────────────────────────────

    def waits(self, true, what):
        until_s = time.monotonic() + self.patience_s
        while True:
            view = self.person.see()
            if found := true(view):
                return found
            if time.monotonic() > until_s:
                raise Missed(f"{self.person.user.first_name} waited in vain for {what!r}:\n{view}")
            time.sleep(LOOK_S)

    def hears(self, text, since=0):
        """A message of the bot's with this text, newer than that one; a repeat counts."""
        return self.waits(
            lambda view: next((one for one in view.from_bot if text in one.text and one.id > since), None), text
        )

    def answered(self, sent):
        """Wait for the answer to a message."""
        newer = lambda view: next((one for one in view.from_bot if one.id > sent.id), None)  # noqa: E731
        return self.waits(newer, f"an answer to {sent.content.get('text')}")

    def presses(self, text, on=None, *, after=None, twice=None):
        """On the newest message after the person's own last one that has the button, or on that one; half of the time
        twice. An older one may be a first copy of what was then repeated, and out of date."""
        if after is None:
            after = 0 if on is not None else max(one.id for one in self.person.see().messages if one.mine)

        def there(view):
            found = [one for one in view.from_bot if one.button(text) and one.id > after]
            return next((one for one in reversed(found) if on is None or one.id == on.id), None)

        seen = self.waits(there, f"the button {text}")
        data = seen.button(text).data
        for _ in range(1 + (self.chance.random() < 0.5 if twice is None else twice)):
            self.person.press(data=data, on=seen.id)

    def files(self):
        """The PNGs that came, each once."""
        return {one.file for one in self.person.see().of_kind("document") if one.file_name == "sticker.png"}

    def stickers(self):
        return [one for one in self.person.see().of_kind("sticker") if not one.mine]

    def until_drawn(self):
        """As many different pictures as were asked for; the last sticker."""
        self.drawn += 1
        self.waits(lambda _: len(self.files()) >= self.drawn, f"{self.drawn} stickers")
        return self.stickers()[-1]

    # ── the day ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def morning(self):
        self.answered(self.person.start())
        if self.whole:
            self.answered(self.person.send("/settings"))
            self.presses(("English", "Русский")[self.number % 2])
            self.hears(self.words("language-chosen"))
            self.answered(self.person.send("/help"))
            self.answered(self.person.send("/status"))
            self.declines()

    def declines(self):
        """A pack is shown, and not learned after all."""
        self.person.sticker(SET)
        self.presses(self.words("key-not-now"))
        self.hears(self.words("ask-dropped"))

    def learns(self):
        title = self.title = self.shows(WAYS[self.number % len(WAYS)])
        of_album = title.startswith("Album")
        after = 0 if of_album else None
        self.presses(self.words("key-learn-these", count=5) if of_album else self.words("key-learn"), after=after)
        self.presses(self.words("key-agree"), after=after)
        self.learned += 1
        if self.number % 3 == 0:  # too early: it waits for the style
            self.person.photo(jpeg(self.number), caption="at the sea 🌊")
            self.until_drawn()
        self.hears(self.beginning("learned", title))

    def shows(self, way):
        """A pack; what it is called."""
        if way == "zip":
            files = {f"{n}.png": png(n) for n in range(4)}
            self.person.document(zipped(files), name=f"Zip {self.number}.zip", mime="application/zip")
            return f"Zip {self.number}"
        if way == "album":
            for n in range(5):
                self.person.photo(png(n), album="a", caption=f"Album {self.number}" if n == 0 else "")
            return f"Album {self.number}"
        self.person.sticker(SET) if way == "sticker" else self.person.send(f"https://t.me/addstickers/{SET}")
        return "Cats"

    def beginning(self, key, title):
        """Of a sentence, up to the title in it."""
        said = self.words(key, title=title)
        return said[: said.index(title) + len(title) + 1]

    def draws(self):
        self.person.photo(jpeg(self.number), caption="in the rain {now} 🌧")
        first = self.until_drawn()
        for key in self.chance.sample(REDRAW, 3 if self.whole else 1):
            self.presses(self.words(key), on=first, twice=False)
            self.until_drawn()
        if self.whole:
            self.presses("🌧", on=first, twice=False)
            self.presses("🌞", on=first)
            again = self.words("key-another")
            self.waits(lambda view: any(one.button("🌞") and one.button(again) for one in view.from_bot), "🌞")
        if self.number % 5 == 0:
            self.changes_their_mind()

    def changes_their_mind(self):
        """A drawing is begun and cancelled; it may be done before."""
        sent = self.person.photo(jpeg(self.number + 1))
        self.presses(self.words("key-cancel"), after=sent.id)
        told = self.words("cancelled-draw")
        more = self.drawn + 1
        self.waits(lambda view: view.find(told) or len(self.files()) == more, "a cancelled drawing")
        self.drawn = len(self.files())

    def packs(self):
        first, undo = self.stickers()[0], self.words("key-undo")
        self.presses(self.words("key-new-pack"), on=first)
        self.until_packed(1)
        self.presses(self.words("key-another"), on=first, twice=False)
        self.presses("➕", on=self.until_drawn())
        self.until_packed(2)

        def added(view):
            said = [one for one in view.from_bot if one.button(undo) and " 2 " in one.text]
            return said[-1] if said else None

        self.presses(undo, on=self.waits(added, "the word on the second sticker"))
        self.until_packed(1)
        self.answered(self.person.send("/packs"))

    def until_packed(self, count):
        """All presses have come to one set with so many stickers."""
        self.packed = count
        mine = lambda: [len(one.stickers) for one in self.studio.made() if one.owner_id == self.person.id]  # noqa: E731
        self.waits(lambda _: mine() == [count], f"a set of {count}")

    def tidies(self):
        if not self.whole:
            return
        listed = self.person.send("/styles")
        mine = f"✓ {self.title}"  # a pack's button begins so, too, and its list may come late
        exact = lambda one: any(button.text == mine for row in one.buttons for button in row)  # noqa: E731
        self.waits(lambda view: [one for one in view.from_bot if one.id > listed.id and exact(one)], mine)
        shown = next(one for one in reversed(self.person.see().from_bot) if exact(one))
        self.presses(mine, on=shown)
        self.presses(self.words("key-rename"), twice=False)
        asked = self.words("style-name", title=self.title)
        self.hears(asked, since=listed.id)
        self.hears(self.words("style-named", title=f"Name {self.number}"), self.person.send(f"Name {self.number}").id)
        sent = self.person.send("/mydata")
        self.waits(lambda view: [one for one in view.of_kind("document") if one.id > sent.id], "the copy of everything")
        if self.stranger is not None:
            self.among_friends()

    def plays(self):
        """Until the last death is over."""
        while not self.enough():
            self.presses(self.words("key-another"), on=self.stickers()[0], twice=False)
            self.until_drawn()
            self.hour()

    def among_friends(self):
        """In a group, somebody else presses this person's buttons."""
        sent = self.person.send("/settings@stickersmith_bot", group=self.group)

        def asked(_):
            found = [one for one in self.person.see(group=self.group).from_bot if one.id > sent.id and one.buttons]
            return next((one for one in found if self.words("settings") in one.text), None)

        found = self.waits(asked, "buttons in the group")
        data = found.buttons[0][0].data
        pressed = self.stranger.press(data=data, on=found.id, group=self.group)
        self.waits(lambda _: pressed.answered, "what becomes of a foreign press")
        if pressed.text != Words("en")("button-foreign"):
            raise Missed(f"a foreign press was told {pressed.text!r}")

    def evening(self):
        self.answered(self.person.send("/status"))
        if self.whole and self.number % 4 == 3:
            self.answered(self.person.send("/deletedata"))
            self.presses(self.words("delete-yes"))
            self.hears(self.words("delete-done", jobs=0).rstrip("."))
            self.left = True


def marked(message):
    """Whether it says, or said when it came, that it is a repeat; a sticker's mark goes with its first buttons."""
    return REPEAT in f"{message.past} {message.content} {message.markup}"
