"""Answers to what waits for one: presses on buttons and inline queries.

Owns the expiry of queries and that each is answered once. Loads no heavy library.
"""

from __future__ import annotations

from typing import Any

from scripts.sandbox.emulator.errors import QUERY_TOO_OLD, Malformed, bad_request
from scripts.sandbox.emulator.methods.call import Call
from scripts.sandbox.emulator.world import Query


def _query(call: Call, kind: str, identity: str) -> Query:
    """The query that is answered. Raises Refused: unknown, too old, answered before."""
    query = call.world.queries.get(identity)
    if query is None or query.bot is not call.bot or not query.what.startswith(kind):
        raise bad_request(QUERY_TOO_OLD)
    now = call.world.clock.ticks()
    if query.answer is not None or now - query.ticks > call.world.callback_expires_s:
        raise bad_request(QUERY_TOO_OLD)
    query.answered = now
    return query


def answer_callback_query(call: Call) -> Any:
    query = _query(call, "callback", call.values["callback_query_id"])
    query.answer = {"text": call.get("text", ""), "show_alert": bool(call.get("show_alert"))}
    return True


def answer_inline_query(call: Call) -> Any:
    query = _query(call, "inline", call.values["inline_query_id"])
    results = call.values["results"]
    identities = [result["id"] for result in results]
    if len(set(identities)) < len(identities):
        raise Malformed("RESULT_ID_DUPLICATE")
    for result in results:
        if "sticker_file_id" in result:
            call.file(result["sticker_file_id"], wanted="sticker")
    query.answer = {"results": list(results), "button": call.get("button")}
    query.answer |= {"is_personal": bool(call.get("is_personal")), "cache_time": call.get("cache_time", 300)}
    return True


METHODS = {"answerCallbackQuery": answer_callback_query, "answerInlineQuery": answer_inline_query}
