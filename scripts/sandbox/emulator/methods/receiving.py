"""How a bot gets its updates and files: the webhook's settings, and links for downloads.

Owns these methods; the waiting of getUpdates is in ``polling.py``, the deliveries in ``webhooks.py``. Loads no heavy
library.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from scripts.sandbox.emulator.errors import bad_request
from scripts.sandbox.emulator.methods.call import Call
from scripts.sandbox.emulator.updates import Webhook

PORTS = (443, 80, 88, 8443)
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def _check_url(url: str) -> None:
    """HTTPS on one of four ports; loopback is free, the emulator's own exception, for it delivers nowhere else."""
    parts = urlsplit(url)
    if parts.hostname in LOOPBACK:
        return
    if parts.scheme != "https":
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    if (parts.port or 443) not in PORTS:
        raise bad_request("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
    raise bad_request(
        f"bad webhook: Failed to resolve host (emulator: it delivers to loopback only, not {parts.hostname!r})"
    )


def set_webhook(call: Call) -> Any:
    if not call.values.get("url"):
        return delete_webhook(call)
    _check_url(call.values["url"])
    updates = call.bot.updates
    updates.webhook = Webhook(
        url=call.values["url"],
        secret=call.get("secret_token", ""),
        max_connections=call.get("max_connections", 40),
    )
    updates.allowed = call.get("allowed_updates", updates.allowed)
    if call.get("drop_pending_updates"):
        updates.waiting.clear()
    return True


def delete_webhook(call: Call) -> Any:
    call.bot.updates.webhook = None
    if call.get("drop_pending_updates"):
        call.bot.updates.waiting.clear()
    return True


def get_webhook_info(call: Call) -> Any:
    updates = call.bot.updates
    updates.forget_old()
    info: dict[str, Any] = {"url": "", "has_custom_certificate": False, "pending_update_count": len(updates.waiting)}
    if updates.webhook is not None:
        info |= {"url": updates.webhook.url, "max_connections": updates.webhook.max_connections}
        if updates.webhook.last_error:
            error = {"last_error_date": updates.webhook.last_error_date}
            info |= error | {"last_error_message": updates.webhook.last_error}
    return info | ({"allowed_updates": updates.allowed} if updates.allowed else {})


def get_file(call: Call) -> Any:
    return call.world.files.link(call.bot.id, call.values["file_id"])


METHODS = {
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
    "getFile": get_file,
}
