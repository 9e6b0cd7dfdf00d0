"""Who is there when the sandbox opens, and that a later one does not speak with the numbers of an earlier one."""

from scripts.sandbox import town


def test_a_later_sandbox_gives_out_no_number_of_an_earlier_one():
    updates, messages, people = [], [], []
    for now_s in (1_800_000_000.0, 1_800_000_600.0):
        with town.built(now_s) as emulator:
            for person in emulator.people.values():
                for _ in range(20):
                    person.start()
            updates.append([update.id for update in emulator.bot.updates.all])
            messages.append([one for person in emulator.people.values() for one in person.chat.messages])
            people.append([*emulator.people])
    assert max(updates[0]) < min(updates[1])
    assert max(messages[0]) < min(messages[1])
    assert people[0] == people[1]


def test_a_newcomer_finds_a_pack_and_a_person_of_each_language():
    with town.built() as emulator:
        assert [one.user.language_code for one in emulator.people.values()] == ["en", "ru"]
        pack = emulator.sticker_set(town.PACK_NAME)
    assert len(pack.stickers) == len(list(town.PACK.glob("*.png"))) >= 3
    assert len({one.emoji_list for one in pack.stickers}) > len(pack.stickers) / 2
