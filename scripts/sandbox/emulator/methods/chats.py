"""What a bot asks about a chat, and leaving it.

Owns ``getChat``, ``getChatMember``, ``leaveChat``; loads no heavy library.
"""

from __future__ import annotations

from typing import Any

from scripts.sandbox.emulator.errors import bad_request, forbidden
from scripts.sandbox.emulator.methods.call import Call
from scripts.sandbox.emulator.people import Bot, Chat, Json, User
from scripts.sandbox.emulator.world import World

_ABILITIES = (
    "be_edited",
    "manage_chat",
    "delete_messages",
    "manage_video_chats",
    "restrict_members",
    "promote_members",
    "change_info",
    "invite_users",
    "post_stories",
    "edit_stories",
    "delete_stories",
)
RIGHTS = ("is_anonymous", *(f"can_{ability}" for ability in _ABILITIES))


def member_json(user: User, status: str) -> Json:
    """The ChatMember object of a status."""
    shown: Json = {"status": status, "user": user.to_json()}
    if status == "kicked":
        return shown | {"until_date": 0}
    if status == "creator":
        return shown | {"is_anonymous": False}
    if status == "administrator":
        return shown | {right: right == "can_delete_messages" for right in RIGHTS}
    return shown


def change_status(world: World, bot: Bot, chat: Chat, by: User, status: str) -> None:
    """Change how a bot stands to a chat, and tell it so by my_chat_member."""
    before = chat.status.get(bot.id, "left" if chat.type != "private" else "member")
    chat.status[bot.id] = status
    payload: Json = {"chat": chat.to_json(), "from": by.to_json(), "date": int(world.clock.now())}
    payload |= {"old_chat_member": member_json(bot.user, before), "new_chat_member": member_json(bot.user, status)}

    def told() -> None:
        chat.block_is_known = chat.block_is_known or chat.blocked

    bot.updates.push("my_chat_member", payload, told if status == "kicked" else None)


def get_chat(call: Call) -> Any:
    chat = call.world.chat(call.bot, call.values["chat_id"])
    full: Json = {"accent_color_id": 0, "max_reaction_count": 11}
    full["accepted_gift_types"] = dict.fromkeys(
        ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels"), True
    )
    return chat.to_json() | full


def get_chat_member(call: Call) -> Any:
    chat = call.world.chat(call.bot, call.values["chat_id"])
    user = chat.members.get(call.values["user_id"])
    if user is None:
        known = call.world.users.get(call.values["user_id"])
        if known is None:
            raise bad_request("PARTICIPANT_ID_INVALID")
        return member_json(known, "left")
    return member_json(user, chat.status.get(user.id, "member"))


def leave_chat(call: Call) -> Any:
    chat = call.world.chat(call.bot, call.values["chat_id"])
    if chat.type == "private":
        raise bad_request("chat member status can't be changed in private chats")
    if call.bot not in chat.bots:
        raise forbidden(f"bot is not a member of the {chat.type} chat")
    chat.bots.remove(call.bot)
    chat.members.pop(call.bot.id, None)
    change_status(call.world, call.bot, chat, call.bot.user, "left")
    return True


METHODS = {"getChat": get_chat, "getChatMember": get_chat_member, "leaveChat": leave_chat}
