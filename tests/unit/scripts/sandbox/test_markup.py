"""HTML and MarkdownV2 become the entities that Telegram would make; text that was not escaped fails."""

import pytest

from scripts.sandbox.emulator.errors import Malformed
from scripts.sandbox.emulator.markup import by_itself, from_html, from_markdown, read


def kinds(entities):
    return [(one["type"], one["offset"], one["length"]) for one in entities]


def test_html_becomes_plain_text_and_entities_in_utf16():
    plain, entities = from_html('🙂<b>a<i>b</i></b> &lt;c&gt; <a href="https://x.y/?a=1&amp;b">d</a>')
    assert plain == "🙂ab <c> d"
    assert kinds(entities) == [("bold", 2, 2), ("italic", 3, 1), ("text_link", 9, 1)]
    assert entities[2]["url"] == "https://x.y/?a=1&b"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("1 < 2", "Unsupported start tag"),
        ("<img>", 'Unsupported start tag "img" at byte offset 0'),
        ("я<b>a", 'Can\'t find end tag corresponding to start tag "b"'),
        ("<b><i>a</b></i>", 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'),
        ("a</b>", "Unexpected end tag at byte offset 1"),
    ],
)
def test_broken_html_is_refused_in_telegrams_words(text, complaint):
    with pytest.raises(Malformed) as refusal:
        from_html(text)
    assert refusal.value.description.startswith("Bad Request: can't parse entities: ")
    assert complaint in refusal.value.description


def test_markdown_becomes_plain_text_and_entities():
    plain, entities = from_markdown(r"*b _i_* __u__ `a\`b` [d](http://x\)y) 1\.5")
    assert plain == "b i u a`b d 1.5"
    assert kinds(entities) == [
        ("bold", 0, 3),
        ("italic", 2, 1),
        ("underline", 4, 1),
        ("code", 6, 3),
        ("text_link", 10, 1),
    ]
    assert entities[-1]["url"] == "http://x)y"


@pytest.mark.parametrize("text", ["a.b", "1-2", "*open", "[a]b", "`open", "x!"])
def test_unescaped_markdown_is_refused(text):
    with pytest.raises(Malformed, match="can't parse entities"):
        from_markdown(text)


def test_clients_find_commands_links_and_mentions_but_not_in_paths_and_addresses():
    text = "/start@my_bot go t.me/addstickers/x, a/b me@mail.ru @anna_k #tag"
    assert [text[one["offset"] : one["offset"] + one["length"]] for one in by_itself(text)] == [
        "/start@my_bot",
        "t.me/addstickers/x",
        "@anna_k",
        "#tag",
    ]


def test_text_is_trimmed_and_its_entities_move_along():
    plain, entities = read("  <b>a</b> /go ", "HTML", None)
    assert plain == "a /go"
    assert kinds(entities) == [("bold", 0, 1), ("bot_command", 2, 3)]


def test_an_unknown_parse_mode_is_refused():
    with pytest.raises(Malformed, match="unsupported parse_mode 'BBCode'"):
        read("a", "BBCode", None)
