"""What the bot is told by its environment: token, key, doors, limits. Never by its command line, which all may read.

Owns those settings and their rules. Knows no chat. Light: pydantic-settings.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from pipeline.errors import BadSetting
from pipeline.settings import DEFAULT_PROFILE
from pipeline.vault import Vault, vault_from

TELEGRAM = "https://api.telegram.org"
TOKEN = re.compile(r"[0-9]{1,16}:[A-Za-z0-9_-]{24,128}")  # as Telegram's server checks it
WEBHOOK_SECRET = re.compile(r"[A-Za-z0-9_-]{16,256}")  # Telegram allows 1 to 256 of these; few can be guessed
WEBHOOK_PORTS = (443, 80, 88, 8443)  # Telegram calls no other
MOST_DAILY = 1_000_000
TOKEN_RULE = "@BotFather gives it; it reads 123456:ABC…"


class BotSettings(BaseSettings):
    """What the environment may set (``STICKERS_BOT_TOKEN=…``)."""

    model_config = SettingsConfigDict(env_prefix="STICKERS_", frozen=True, allow_inf_nan=False)

    bot_token: SecretStr | None = None
    bot_token_file: Path | None = None  # instead of it
    bot_api: str = TELEGRAM  # a Bot API server's address
    admins: Annotated[tuple[int, ...], NoDecode] = ()  # Telegram's ids, with commas between
    daily_learns: Annotated[int, Field(ge=0, le=MOST_DAILY)] = 10  # that a person may begin in 24 hours; 0: any number
    daily_draws: Annotated[int, Field(ge=0, le=MOST_DAILY)] = 100
    refused_words: Path | None = None  # an operator's own list, on top of ours; see ``wording``
    bot_webhook_url: str | None = None  # https://…: Telegram brings updates there; None: we ask for them
    bot_webhook_secret: SecretStr | None = None  # what it brings along each time
    bot_webhook_host: str = "127.0.0.1"  # where we listen: behind a proxy that speaks TLS
    bot_webhook_port: Annotated[int, Field(ge=0, le=65_535)] = 8443  # 0: any free one
    bot_at_once: Annotated[int, Field(ge=1, le=256)] = 16  # people who are answered at once
    bot_per_second: Annotated[float, Field(gt=0, le=1000)] = 25.0  # messages to all together
    bot_chat_per_second: Annotated[float, Field(ge=1, le=1000)] = 1.0  # to one chat; three times as many at once
    bot_profile: str = DEFAULT_PROFILE  # of the models that styles are learned with
    secret_key: SecretStr | None = None  # what people's words are sealed with; see ``vault``
    secret_key_file: Path | None = None  # instead of it; None: beside the data folder

    @field_validator("admins", mode="before")
    @classmethod
    def _ids(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        words = [word.strip() for word in value.split(",") if word.strip()]
        if not all(word.isascii() and word.isdecimal() and len(word) <= 16 for word in words):
            raise ValueError("give Telegram's ids of people, numbers with commas between")
        return tuple(int(word) for word in words)

    @field_validator("bot_api")
    @classmethod
    def _api(cls, value: str) -> str:
        parts = _address(value)
        if parts.query or parts.fragment or parts.username:
            raise ValueError("give a server's address, as in https://api.telegram.org")
        if parts.scheme != "https" and not (parts.scheme == "http" and _loopback(parts.hostname or "")):
            raise ValueError("it is https://…; http:// only on this machine, for the token is in every call")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _webhook(self) -> Self:
        """What Telegram's own server calls; one of one's own calls any address."""
        if self.bot_webhook_url is None:
            return self
        parts = _address(self.bot_webhook_url)
        theirs = parts.scheme == "https" and not parts.username and (parts.port or 443) in WEBHOOK_PORTS
        if self.bot_api == TELEGRAM and not theirs:
            ports = ", ".join(map(str, WEBHOOK_PORTS))
            raise ValueError(
                f"STICKERS_BOT_WEBHOOK_URL = {self.bot_webhook_url!r}: Telegram calls https:// addresses only, on the "
                f"ports {ports}"
            )
        return self


def bot_settings() -> BotSettings:
    """What the environment says.

    Raises:
        BadSetting: one of its values is wrong; a secret is not shown.
    """
    try:
        return BotSettings()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name, what = "_".join(str(part) for part in first["loc"]).upper(), first["msg"].removeprefix("Value error, ")
        if not name:  # of several together
            raise BadSetting(what) from None
        secret = {"BOT_TOKEN", "BOT_WEBHOOK_SECRET", "SECRET_KEY"}
        shown = "" if name in secret else f" = {first['input']!r}"
        raise BadSetting(f"STICKERS_{name}{shown}: {what}") from None


def token_of(chosen: BotSettings) -> str:
    """The bot's token.

    Raises:
        BadSetting: there is none, or it is none; what was given is not shown.
    """
    if chosen.bot_token is not None and chosen.bot_token_file is not None:
        raise BadSetting("STICKERS_BOT_TOKEN and STICKERS_BOT_TOKEN_FILE are both set; unset one of them")
    if chosen.bot_token is not None:
        text, where = chosen.bot_token.get_secret_value(), "STICKERS_BOT_TOKEN"
    elif chosen.bot_token_file is not None:
        text, where = _text_of(chosen.bot_token_file, "STICKERS_BOT_TOKEN_FILE"), "STICKERS_BOT_TOKEN_FILE"
    else:
        raise BadSetting(
            "the bot has no token; put it into a file that only you may read, and let STICKERS_BOT_TOKEN_FILE name "
            f"it, or set STICKERS_BOT_TOKEN; {TOKEN_RULE}"
        )
    if not TOKEN.fullmatch(text.strip()):
        raise BadSetting(f"what {where} gives is no bot's token; {TOKEN_RULE}")
    return text.strip()


def webhook_secret_of(chosen: BotSettings) -> str:
    """What Telegram proves itself with.

    Raises:
        BadSetting: there is none, or it could be guessed.
    """
    text = chosen.bot_webhook_secret.get_secret_value() if chosen.bot_webhook_secret else ""
    if not WEBHOOK_SECRET.fullmatch(text):
        raise BadSetting(
            "with STICKERS_BOT_WEBHOOK_URL set, STICKERS_BOT_WEBHOOK_SECRET is wanted, too: 16 to 256 letters, "
            "digits, '_' and '-'; without it anybody could send updates"
        )
    return text


def vault_of(chosen: BotSettings, data_dir: Path) -> Vault:
    """What seals people's words; a key is made at the first start where none is given.

    Raises:
        BadSetting: the key cannot be used.
    """
    return vault_from(chosen.secret_key, chosen.secret_key_file, data_dir)


def _address(value: str) -> SplitResult:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise ValueError("this is no address") from None
    if not parts.hostname:
        raise ValueError("this address names no host")
    return parts


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _text_of(path: Path, setting: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise BadSetting(f"{setting} = {str(path)!r}: it cannot be read: {why}") from None
