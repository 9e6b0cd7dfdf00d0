"""`stickers sandbox`: the bot without Telegram, against an emulator of the Bot API on loopback."""
