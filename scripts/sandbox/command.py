"""``stickers sandbox``: the words of the command that shows the bot in a browser, without Telegram.

Owns what a person types. Knows not how anything is done. Light: typer.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from pipeline.errors import BadSetting
from pipeline.options import within

NEEDED = "aiohttp"  # brought by the extra
MOST_PORT = 65_535


def sandbox(
    port: Annotated[int, typer.Option("--port", metavar="PORT", help="Of the page; 0 takes any free one.")] = 8080,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in the browser, or only print its address.")
    ] = True,
    folder: Annotated[
        Path | None,
        typer.Option("--folder", metavar="DIR", help="Its data and logs. (default: sandbox, in the data folder)"),
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget earlier styles and jobs of the sandbox.")] = False,
) -> None:
    """Chat with the bot in a browser: no Telegram account, no token.

    An emulated Telegram, the real bot and a real worker with the embedded
    models, all on this machine; the page is for this machine alone.
    Ctrl-C stops all of them in order.

    [bold]Examples[/]
      stickers sandbox
      stickers sandbox --fresh --port 9000
      stickers sandbox --no-browser --folder my-sandbox/
    """
    within("port", port, 0, MOST_PORT)
    if find_spec(NEEDED) is None:
        raise BadSetting(
            f"the sandbox needs {NEEDED!r}, which is not installed; run `pip install 'stickersmith[sandbox]'`, or "
            '`pip install --editable ".[sandbox]"` in a clone'
        )
    from scripts.sandbox import serve

    raise typer.Exit(serve.serve(port=port, browser=browser, folder=folder, fresh=fresh))


def attach(app: typer.Typer, panel: str) -> None:
    """Add the command to ``stickers``."""
    app.command(rich_help_panel=panel)(sandbox)
