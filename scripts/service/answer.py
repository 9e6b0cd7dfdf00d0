"""How the bot is made from what the environment says, how it is told to leave, and what its end means.

Owns the way from settings to a running bot, and its exit codes. Knows no sentence of the chat. Loads
python-telegram-bot and the queue.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time

import typer

from bot.app import run
from bot.errors import OtherBot
from bot.redact import quieten
from bot.settings import BotSettings, bot_settings, token_of, vault_of, webhook_secret_of
from pipeline.errors import QueueUnreachable, StickerError
from pipeline.sealed_files import files_of
from pipeline.settings import Settings
from pipeline.worker.logs import to_stderr
from scripts import results
from scripts.service.serve import log_form, opened, settings

LOG = logging.getLogger("stickers.bot")
AWAY = 75  # EX_TEMPFAIL of sysexits.h: nothing is wrong with the bot, begin it anew; as pipeline/worker/life has it
TAKEN = 69  # EX_UNAVAILABLE: another bot has the token or the queue
BROKEN = 70  # EX_SOFTWARE: a mistake of ours; begun anew, it goes on where it was
LOOK_S = 1.0  # between two looks whether whoever started us is there


def answer(url: str | None, *, with_parent: bool, log: str | None) -> None:
    """``stickers bot``.

    Raises:
        BadSetting: token, key, webhook or another setting is missing or wrong. Nothing was called yet.
    """
    chosen, own, form = settings(), bot_settings(), log_form(log)
    secrets = [token_of(own)] if own.bot_webhook_url is None else [token_of(own), webhook_secret_of(own)]
    secrets += [own.secret_key.get_secret_value()] if own.secret_key else []
    vault_of(own, chosen.data_dir)  # a wrong key is told before a queue is begun
    to_stderr("bot", form)
    clean = quieten(secrets).clean
    if with_parent:
        _leave_with(os.getppid())
    try:
        _run(url, chosen, own)
    except (OtherBot, QueueUnreachable) as error:  # pass by themselves, other than what is set wrongly
        results.warn((), [clean(str(error))])
        raise typer.Exit(TAKEN if isinstance(error, OtherBot) else AWAY) from None
    except StickerError:
        raise
    except Exception:  # its words may have the token in them: the log takes it out, the door would not
        LOG.exception("the bot broke")
        raise typer.Exit(BROKEN) from None


def _run(url: str | None, chosen: Settings, own: BotSettings) -> None:
    with opened(url, chosen, begins=True) as jobs:
        run(own, jobs, files_of(chosen), data_dir=chosen.data_dir, keep_days=chosen.keep_days)


def _leave_with(parent: int) -> None:
    """Ask ourselves to leave in order once whoever started us is gone."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_S)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="stickers-parent", daemon=True).start()
