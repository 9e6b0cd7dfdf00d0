"""What ends the bot's talking to Telegram, as branches of the one tree of errors. Knows nothing else."""

from __future__ import annotations

from pipeline.errors import StickerError


class OtherBot(StickerError):
    """Another process asks Telegram for this bot's updates; stop that one, for there can be only one."""

    code = "other_bot"


class TokenRevoked(StickerError):
    """Telegram does not know this bot's token (any more); get a new one from @BotFather, set it, and start anew."""

    code = "token_revoked"
