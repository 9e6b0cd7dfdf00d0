"""The durable queue: what was accepted is done once, whatever breaks. Light: the bot imports it."""
