"""The Bot API as this program calls it: where it is, and how long is waited for it.

Owns those connections. Knows no update. Loads python-telegram-bot.
"""

from __future__ import annotations

from dataclasses import dataclass

from telegram import Bot
from telegram.request import HTTPXRequest

from bot.delivery import AT_ONCE
from bot.settings import BotSettings, token_of

DOWNLOADS = 32  # at once: of errands, each with some files
CONNECT_S, READ_S, WRITE_S, MEDIA_S, POOL_S = 10.0, 20.0, 20.0, 60.0, 5.0


@dataclass(frozen=True, kw_only=True)
class Api:
    """The calls, and the one connection that is kept for asking for updates."""

    bot: Bot
    poll: HTTPXRequest

    async def close(self) -> None:
        """Let go of the connections."""
        await self.bot.shutdown()
        await self.poll.shutdown()


def api_of(settings: BotSettings) -> Api:
    """Nothing is called yet.

    Raises:
        BadSetting: there is no token.
    """
    token = token_of(settings)
    bot = Bot(
        token,
        base_url=f"{settings.bot_api}/bot",
        base_file_url=f"{settings.bot_api}/file/bot",
        request=_request(connections=2 * AT_ONCE + DOWNLOADS),
        get_updates_request=_request(connections=1),  # never used: ours asks
    )
    return Api(bot=bot, poll=_request(connections=1))


def _request(*, connections: int) -> HTTPXRequest:
    return HTTPXRequest(
        connection_pool_size=connections,
        connect_timeout=CONNECT_S,
        read_timeout=READ_S,
        write_timeout=WRITE_S,
        media_write_timeout=MEDIA_S,
        pool_timeout=POOL_S,
    )
