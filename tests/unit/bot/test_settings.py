"""What the environment says is checked, told in a sentence, and a secret is never shown."""

import pytest

from bot.settings import bot_settings, token_of, vault_of, webhook_secret_of
from pipeline.errors import BadSetting

TOKEN = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"


@pytest.fixture
def environment(monkeypatch):
    def put(**values):
        for name, value in values.items():
            monkeypatch.setenv(f"STICKERS_{name}", value)

    return put


def test_the_token_comes_from_the_environment_or_a_file(environment, tmp_path, monkeypatch):
    environment(BOT_TOKEN=TOKEN)
    assert token_of(bot_settings()) == TOKEN
    assert TOKEN not in repr(bot_settings())
    monkeypatch.delenv("STICKERS_BOT_TOKEN")
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    environment(BOT_TOKEN_FILE=str(tmp_path / "token"))
    assert token_of(bot_settings()) == TOKEN


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "the bot has no token"),
        ({"BOT_TOKEN": "hunter2"}, "what STICKERS_BOT_TOKEN gives is no bot's token"),
        ({"BOT_TOKEN": ""}, "what STICKERS_BOT_TOKEN gives is no bot's token"),
        ({"BOT_TOKEN_FILE": "/no/such/file"}, "STICKERS_BOT_TOKEN_FILE = '/no/such/file': it cannot be read"),
        ({"BOT_TOKEN": TOKEN, "BOT_TOKEN_FILE": "/x"}, "both set"),
    ],
)
def test_a_missing_or_wrong_token_is_told_without_being_shown(environment, values, words):
    environment(**values)
    with pytest.raises(BadSetting) as caught:
        token_of(bot_settings())
    assert words in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("api", ["https://api.telegram.org/", "http://127.0.0.1:8081", "http://[::1]:1", "https://x.y"])
def test_a_server_may_be_anywhere_by_https_and_here_without(environment, api):
    environment(BOT_API=api)
    assert bot_settings().bot_api == api.rstrip("/")


@pytest.mark.parametrize("api", ["http://example.org", "ftp://x", "nonsense", "https://u:p@x.y", "https://x.y:port"])
def test_a_server_to_which_the_token_would_go_in_clear_is_refused(environment, api):
    environment(BOT_API=api)
    with pytest.raises(BadSetting, match="STICKERS_BOT_API"):
        bot_settings()


def test_admins_are_numbers_with_commas_between(environment):
    environment(ADMINS=" 1, 22 ")
    assert bot_settings().admins == (1, 22)
    environment(ADMINS="me")
    with pytest.raises(BadSetting, match="STICKERS_ADMINS = 'me'"):
        bot_settings()


def test_telegram_calls_https_on_its_ports_only(environment):
    environment(BOT_WEBHOOK_URL="https://example.org:8443/hook")
    assert bot_settings().bot_webhook_url == "https://example.org:8443/hook"
    for url in ("http://example.org/hook", "https://example.org:9000/hook", "nonsense"):
        environment(BOT_WEBHOOK_URL=url)
        with pytest.raises(BadSetting):
            bot_settings()


def test_a_webhook_wants_a_secret_that_cannot_be_guessed(environment):
    with pytest.raises(BadSetting, match="STICKERS_BOT_WEBHOOK_SECRET"):
        webhook_secret_of(bot_settings())
    environment(BOT_WEBHOOK_SECRET="short")
    with pytest.raises(BadSetting) as caught:
        webhook_secret_of(bot_settings())
    assert "short" not in str(caught.value)
    environment(BOT_WEBHOOK_SECRET="s" * 16)
    assert webhook_secret_of(bot_settings()) == "s" * 16


def test_the_key_is_given_or_made_once(environment, tmp_path):
    sealed = vault_of(bot_settings(), tmp_path / "data").seal("x")
    assert vault_of(bot_settings(), tmp_path / "data").open(sealed) == "x"
    environment(SECRET_KEY="MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
    with pytest.raises(BadSetting, match="another key"):
        vault_of(bot_settings(), tmp_path / "data").open(sealed)


def test_a_number_out_of_range_is_told_with_its_name(environment):
    environment(BOT_AT_ONCE="0")
    with pytest.raises(BadSetting, match="STICKERS_BOT_AT_ONCE = '0'"):
        bot_settings()
