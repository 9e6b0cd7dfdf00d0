"""``stickers bot``: the words of the command that answers on Telegram.

Owns what a person types. Knows not how anything is done. Light when imported: the command loads python-telegram-bot
and the queue.
"""

from __future__ import annotations

from typing import Annotated

import typer

from scripts.service.arguments import FINE, LogForm, Url


def bot(
    url: Url = None,
    with_parent: Annotated[
        bool,
        typer.Option("--with-parent", help="Leave in order once whoever started it is gone.", rich_help_panel=FINE),
    ] = False,
    log: LogForm = None,
) -> None:
    """Answer on Telegram.

    The token is in STICKERS_BOT_TOKEN, or in the file that
    STICKERS_BOT_TOKEN_FILE names. SIGTERM and Ctrl-C let what is being
    sent arrive. Killed, it goes on where it was: no message to it is
    lost; an answer that is sent again in doubt says so.

    [bold]Examples[/]
      STICKERS_BOT_TOKEN_FILE=token.txt stickers bot
      STICKERS_QUEUE_URL=postgresql://me@db/stickers stickers bot --log json
    """
    from scripts.service import answer

    answer.answer(url, with_parent=with_parent, log=log)


def attach(app: typer.Typer, panel: str) -> None:
    """Add the command to ``stickers``."""
    app.command(rich_help_panel=panel)(bot)
