"""From a request to its answer: checked, counted, carried out, recorded.

Owns the order of refusals: the request's form, the rates, then what the method says. Knows nothing of HTTP; loads no
heavy library.
"""

from __future__ import annotations

from typing import Any

from scripts.sandbox.emulator.errors import Malformed, NotEmulated, Refused
from scripts.sandbox.emulator.faults import Fault, FaultKind
from scripts.sandbox.emulator.methods import METHODS
from scripts.sandbox.emulator.methods.call import Call
from scripts.sandbox.emulator.parameters import Upload, checked
from scripts.sandbox.emulator.people import Bot
from scripts.sandbox.emulator.rates import keys_for
from scripts.sandbox.emulator.record import Request
from scripts.sandbox.emulator.world import World

GRACE_SECONDS = 0.1  # a bot that waits as told may wake this much early


def prepare(world: World, bot: Bot, method: str, given: dict[str, Any]) -> Call:
    """The call, checked against the table of the API. Raises Refused."""
    values = checked(method, given)
    if method not in METHODS and method != "getUpdates":
        raise NotEmulated(method)
    uploads = {name: value for name, value in given.items() if isinstance(value, Upload)}
    return Call(world=world, bot=bot, method=method, values=values, uploads=uploads)


def buckets(call: Call) -> list[tuple[str, int, int]]:
    """The token buckets that a call takes from."""
    chat_id = call.get("chat_id")
    known = isinstance(chat_id, int) or (isinstance(chat_id, str) and chat_id.lstrip("-").isdigit())
    identity = int(chat_id) if known and chat_id is not None else None
    is_group = identity is not None and identity < 0
    return keys_for(call.method, call.bot.id, identity, is_group, call.get("user_id"))


def charge(call: Call) -> None:
    """Take the call's cost from its buckets. Raises Refused (429)."""
    world, keys = call.world, buckets(call)
    early_s = world.rates.ignored_s(keys)
    if early_s > GRACE_SECONDS:
        world.violate("retry_after", f"{call.method} came {early_s:.1f} s before the wait of a 429 was over")
    cost = len(call.values["media"]) if call.method == "sendMediaGroup" else 1
    try:
        world.rates.take(keys, cost)
    except Refused as flood:
        world.violate("rate", f"{call.method} to {call.get('chat_id', call.get('user_id'))}: {flood.description}")
        raise


def inject(fault: Fault, call: Call) -> None:
    """Refuse as a fault's rule says, before anything is done. Raises Refused."""
    if fault.kind is FaultKind.TOO_MANY_REQUESTS:
        seconds = max(1, round(fault.seconds))
        for key in buckets(call)[:1]:
            call.world.rates.tell(key, seconds)
        raise Refused(429, f"Too Many Requests: retry after {seconds}", {"retry_after": seconds})
    if fault.kind is FaultKind.SERVER_ERROR:
        raise Refused(500, "Internal Server Error")
    if fault.kind is FaultKind.ERROR:
        raise Refused(fault.code, fault.description)
    if fault.kind is FaultKind.CLOCK_JUMP:
        call.world.clock.jump(fault.seconds)


def carry_out(call: Call) -> Any:
    """The method's result. Raises Refused."""
    charge(call)
    return METHODS[call.method](call)


def refused(world: World, request: Request, refusal: Refused) -> dict[str, Any]:
    """Record a refusal; what no correct bot would ask for is a violation. The answer's body."""
    if isinstance(refusal, Malformed | NotEmulated):
        world.violate("malformed" if isinstance(refusal, Malformed) else "unknown", refusal.description)
    request.status, request.description = refusal.code, refusal.description
    return refusal.to_json()


def answered(request: Request, result: Any) -> dict[str, Any]:
    """Record a result. The answer's body."""
    request.status, request.result = 200, result
    return {"ok": True, "result": result}
