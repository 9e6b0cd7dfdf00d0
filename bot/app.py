"""Everything that the bot answers to, on one page; and how it is put together.

Owns the one ordered table: the first route that wants an update answers it, alone. Knows not how anything is answered.
Loads python-telegram-bot; never torch.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bot import (
    basics,
    collecting,
    drawing,
    emoji_choice,
    mydata,
    operator,
    orders,
    pack_shelf,
    packs,
    preferences,
    questions,
    shelf,
    shown,
    teach,
    variants,
    wanted,
)
from bot.api import api_of
from bot.buttons import Verdict
from bot.desk import Desk
from bot.doing import Act, Errands
from bot.errands import Kind
from bot.handing_in import HandingIn
from bot.routes import Route, Services, alone, any_button, command, pressed, private_message, spoiled
from bot.service import Parts, Service
from bot.settings import BotSettings, vault_of
from bot.watch import Watch
from pipeline.files import Files
from pipeline.jobs.queue import Jobs

LOG = logging.getLogger("stickers.bot")
BUTTON = ("callback_query",)
THREADS = 16  # for the database and files: asyncio's few would keep a button waiting behind pictures being encoded

ROUTES = (
    # Buttons that are worth nothing come first: nothing behind them has to think of those.
    Route(wants=spoiled(Verdict.FORGED), answer=basics.forged, updates=BUTTON, why="anybody can send any button"),
    Route(wants=spoiled(Verdict.FOREIGN), answer=basics.foreign, updates=BUTTON, why="in a group all can press"),
    Route(wants=spoiled(Verdict.OLD), answer=basics.old, updates=BUTTON, why="chats keep buttons for ever"),
    # Commands that Telegram asks every bot to know, and those that its terms ask for.
    Route(wants=command("start"), answer=basics.start, why="the first word of everybody"),
    Route(wants=command("help"), answer=basics.help_, why="what there is"),
    Route(wants=command("privacy"), answer=basics.privacy, why="Telegram's terms, 4"),
    Route(wants=command("settings"), answer=preferences.settings, why="the language, and how drawings come"),
    Route(wants=pressed("output"), answer=preferences.output, updates=BUTTON, why="sticker, file or both"),
    Route(wants=pressed("outlined"), answer=preferences.outline, updates=BUTTON, why="of every drawing"),
    Route(wants=pressed("language"), answer=preferences.language, updates=BUTTON, why="it was chosen"),
    Route(wants=command("deletedata"), answer=basics.delete_ask, why="Telegram's terms, 4.2; asks before it does"),
    Route(wants=pressed("delete-yes"), answer=basics.delete_yes, updates=BUTTON, why="they are sure"),
    Route(wants=pressed("delete-no"), answer=basics.delete_no, updates=BUTTON, why="they are not"),
    Route(wants=pressed("repeat"), answer=basics.repeat, updates=BUTTON, why="the mark of a repeated sticker"),
    Route(wants=pressed("how"), answer=orders.how, updates=BUTTON, why="the first button of everybody"),
    # The operator's, whom STICKERS_ADMINS names; to others they are words like any.
    Route(wants=operator.own("stats"), answer=operator.stats, why="how it goes"),
    Route(wants=operator.own("ban"), answer=operator.ban, why="somebody is answered no more"),
    Route(wants=operator.own("unban"), answer=operator.unban, why="and again"),
    Route(wants=operator.own("maintenance"), answer=operator.maintenance, why="no new jobs for a while"),
    # A style is taught.
    Route(wants=alone("new"), answer=collecting.new, why="another style, from pictures"),
    Route(wants=pressed("choice-draw"), answer=collecting.choice_draw, updates=BUTTON, why="it was meant so"),
    Route(wants=pressed("choice-add"), answer=collecting.choice_add, updates=BUTTON, why="or so"),
    Route(wants=pressed("collect-anew"), answer=collecting.anew, updates=BUTTON, why="other pictures than those"),
    Route(wants=pressed("collect-draw"), answer=wanted.collected, updates=BUTTON, why="a photo before any style"),
    Route(wants=pressed("wanted-no"), answer=wanted.forget, updates=BUTTON, why="not to be drawn after all"),
    Route(wants=teach.is_sticker, answer=teach.sticker, why="the pack that it is of"),
    Route(wants=teach.is_zip, answer=teach.archive, why="a pack in one file"),
    Route(wants=pressed("learn"), answer=teach.learn, updates=BUTTON, why="yes, this pack"),
    Route(wants=pressed("agree"), answer=teach.agree, updates=BUTTON, why="Telegram's terms, 4.3"),
    Route(wants=pressed("few"), answer=teach.few, updates=BUTTON, why="not the pack, this sticker and others"),
    Route(wants=pressed("ask-no"), answer=teach.ask_no, updates=BUTTON, why="not now, or all over again"),
    Route(wants=pressed("revoke"), answer=orders.revoke, updates=BUTTON, why="Telegram's terms, 4.3"),
    # What is under way.
    Route(wants=alone("status"), answer=orders.status, why="nobody has to look for it"),
    Route(wants=alone("cancel"), answer=orders.cancel_ask, why="as the button, for whoever lost it"),
    Route(wants=pressed("cancel"), answer=orders.cancel, updates=BUTTON, why="below every status message"),
    Route(wants=pressed("retry"), answer=orders.retry, updates=BUTTON, why="below what failed"),
    # Stickers.
    Route(wants=pressed("another"), answer=drawing.another, updates=BUTTON, why="another seed"),
    Route(wants=pressed("variants"), answer=variants.variants, updates=BUTTON, why="four to choose from"),
    Route(wants=pressed("pick"), answer=variants.pick, updates=BUTTON, why="one of those"),
    Route(wants=pressed("file"), answer=shown.file, updates=BUTTON, why="for whoever gets stickers alone"),
    Route(wants=pressed("stronger"), answer=drawing.stronger, updates=BUTTON, why="more style, less photo"),
    Route(wants=pressed("weaker"), answer=drawing.weaker, updates=BUTTON, why="less style, more photo"),
    Route(wants=pressed("outline"), answer=drawing.outline, updates=BUTTON, why="around the sticker, or not"),
    Route(wants=pressed("words"), answer=drawing.words_ask, updates=BUTTON, why="other words, the same photo"),
    Route(wants=pressed("words-none"), answer=drawing.wordless, updates=BUTTON, why="the photo alone"),
    Route(wants=pressed("question-no"), answer=questions.never_mind, updates=BUTTON, why="no answer is one, too"),
    Route(wants=pressed("emoji"), answer=emoji_choice.choose, updates=BUTTON, why="Telegram wants one a sticker"),
    Route(wants=pressed("emoji-is"), answer=emoji_choice.pressed_one, updates=BUTTON, why="one of those proposed"),
    Route(wants=pressed("emoji-back"), answer=emoji_choice.back, updates=BUTTON, why="it is right as it is"),
    Route(wants=pressed("add"), answer=packs.add, updates=BUTTON, why="to the pack that it names"),
    Route(wants=pressed("add-first"), answer=packs.add_first, updates=BUTTON, why="to a new pack, where there is none"),
    Route(wants=pressed("add-new"), answer=packs.add_new, updates=BUTTON, why="to a new pack"),
    Route(wants=pressed("undo"), answer=packs.undo, updates=BUTTON, why="out of the pack again"),
    # What there is.
    Route(wants=alone("styles"), answer=shelf.styles, why="which there are"),
    Route(wants=pressed("styles"), answer=shelf.back, updates=BUTTON, why="the list again"),
    Route(wants=pressed("style"), answer=shelf.style, updates=BUTTON, why="this one from now on"),
    Route(wants=pressed("style-more"), answer=collecting.more, updates=BUTTON, why="it shall learn more"),
    Route(wants=pressed("style-name"), answer=shelf.rename_ask, updates=BUTTON, why="another name"),
    Route(wants=pressed("style-drop"), answer=shelf.drop_ask, updates=BUTTON, why="asks before it does"),
    Route(wants=pressed("style-drop-yes"), answer=shelf.drop, updates=BUTTON, why="they are sure"),
    Route(wants=alone("packs"), answer=pack_shelf.packs, why="which there are"),
    Route(wants=pressed("packs"), answer=pack_shelf.back, updates=BUTTON, why="the list again"),
    Route(wants=pressed("pack"), answer=pack_shelf.pack, updates=BUTTON, why="one of them, as it is now"),
    Route(wants=pressed("pack-use"), answer=pack_shelf.use, updates=BUTTON, why="this one from now on"),
    Route(wants=pressed("pack-name"), answer=pack_shelf.rename_ask, updates=BUTTON, why="another title"),
    Route(wants=pressed("pack-last"), answer=pack_shelf.last, updates=BUTTON, why="its last sticker goes"),
    Route(wants=pressed("pack-drop"), answer=pack_shelf.drop_ask, updates=BUTTON, why="asks before it does"),
    Route(wants=pressed("pack-drop-yes"), answer=pack_shelf.drop, updates=BUTTON, why="they are sure"),
    Route(wants=alone("mydata"), answer=mydata.ask, why="Telegram's terms, 4.2"),
    Route(wants=orders.is_elsewhere, answer=orders.elsewhere, why="what is somebody's own is not shown to a group"),
    # Messages, by what is in them; the order tells a link from words, and emoji from both.
    Route(wants=teach.is_link, answer=orders.link, why="a pack by its name"),
    Route(wants=teach.is_picture, answer=teach.picture, why="to be drawn, or to be learned from"),
    Route(wants=emoji_choice.is_emoji, answer=orders.emoji_alone, why="for the sticker that is being looked at"),
    Route(wants=orders.is_words, answer=orders.words_only, why="what no picture came with"),
    # Whatever is left.
    Route(wants=any_button, answer=basics.old, updates=BUTTON, why="a button of an older version of ours"),
    Route(wants=private_message, answer=basics.hint, why="nobody is left without a word"),
)
COMMANDS = (
    "start",
    "new",
    "styles",
    "packs",
    "status",
    "cancel",
    "help",
    "settings",
    "privacy",
    "mydata",
    "deletedata",
)  # as the menu shows them


def build(
    settings: BotSettings,
    jobs: Jobs,
    files: Files,
    *,
    data_dir: Path,
    keep_days: float = 30.0,
    routes: Sequence[Route] = ROUTES,
) -> Service:
    """The bot, ready to run; its tables are made, nothing is called yet. To be called where a loop runs.

    Raises:
        BadSetting: no token, no key, or another key than the one that sealed what is there.
    """
    api = api_of(settings)
    desk = Desk(jobs, vault_of(settings, data_dir))
    return Service(
        Parts(
            settings=settings,
            api=api,
            desk=desk,
            jobs=jobs,
            files=files,
            routes=routes,
            commands=COMMANDS,
            keep_days=keep_days,
            companions=(_errands, Watch),
        )
    )


def _errands(services: Services) -> Errands:
    """What is done beside the answers."""
    fetched = HandingIn(services)
    acts: dict[Kind, Act] = {
        Kind.LEARN: fetched.learn,
        Kind.DRAW: fetched.draw,
        Kind.ADD: packs.do_add,
        Kind.UNDO: packs.do_undo,
        Kind.EMOJI: packs.do_emoji,
        Kind.TITLE: pack_shelf.do_title,
        Kind.LAST: pack_shelf.do_last,
        Kind.DROP: pack_shelf.do_drop,
        Kind.EXPORT: mydata.do_export,
        Kind.CLEAN: mydata.do_clean,
    }
    return Errands(services, acts)


def run(
    settings: BotSettings,
    jobs: Jobs,
    files: Files,
    *,
    data_dir: Path,
    keep_days: float = 30.0,
    routes: Sequence[Route] = ROUTES,
) -> None:
    """Until SIGTERM or SIGINT, in order; a second one leaves at once, and loses nothing by that either.

    Raises:
        BadSetting: see ``build``.
        OtherBot: there is another one.
        QueueBroken: the database is damaged.
    """

    async def serve() -> None:
        service = build(settings, jobs, files, data_dir=data_dir, keep_days=keep_days, routes=routes)
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(THREADS))

        def hear() -> None:
            (service.hurry if service.stop.is_set() else service.stop).set()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, hear)
        await service.run()

    asyncio.run(serve())
    LOG.info("left in order")
