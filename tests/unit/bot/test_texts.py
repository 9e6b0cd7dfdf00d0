"""Every sentence is there in every language with the same values, and a value cannot do harm to it."""

import ast
import re
import unicodedata
from pathlib import Path

import pytest
from fluent.syntax import FluentParser
from fluent.syntax import ast as ftl_ast
from fluent.syntax.visitor import Visitor
from hypothesis import given
from hypothesis import strategies as st

from bot import operator
from bot.app import COMMANDS
from bot.texts import DEFAULT, LANGUAGES, MissingText, Words, ftl, harmless, language_of
from pipeline.motifs import motif_of

ROOT = Path(__file__).resolve().parents[3]


class Names(Visitor):
    """The values that a sentence has."""

    def __init__(self):
        self.found = set()

    def visit_VariableReference(self, node):
        self.found.add(node.id.name)


def sentences(language):
    """Key → its values."""
    found = {}
    for entry in FluentParser().parse(ftl(language)).body:
        assert not isinstance(entry, ftl_ast.Junk), (language, entry.content)
        if isinstance(entry, ftl_ast.Message):
            assert entry.id.name not in found, f"{entry.id.name} stands twice"
            names = Names()
            names.visit(entry)
            found[entry.id.name] = names.found
    return found


def used():
    """The keys that the code uses: ``words("key", …)`` of whatever owner, and those that a table holds."""
    keys = {f"command-{name}" for name in (*COMMANDS, *operator.COMMANDS)}
    for path in (ROOT / "bot").glob("**/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant | ast.Name):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            called = isinstance(node.func, ast.Call) and getattr(node.func.func, "id", "") == "Words"
            if (name == "words" or called) and isinstance(node.args[0], ast.Constant):
                keys.add(node.args[0].value)
            if name == "_instead":
                keys |= {arg.value for arg in node.args if isinstance(arg, ast.Constant) and "sorry" in str(arg.value)}
    return keys


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_sentences_with_the_same_values(language):
    assert sentences(language) == sentences(DEFAULT)


def test_every_key_in_the_code_has_its_sentence_and_every_sentence_its_use():
    keys = used()
    assert keys - {*sentences(DEFAULT)} == set()
    assert {*sentences(DEFAULT)} - keys == set()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("count", [0, 1, 2, 5, 11, 21, 22, 25, 101, 1000])
def test_every_sentence_can_be_said_with_every_number(language, count):
    for key, names in sentences(language).items():
        said = Words(language)(key, **dict.fromkeys(names, count))
        assert said.strip()
        assert not re.search(r"[{}]|\$", said), (key, said)


@pytest.mark.parametrize(
    ("days", "form"), [(1, "1 день"), (2, "2 дня"), (5, "5 дней"), (11, "11 дней"), (21, "21 день"), (24, "24 дня")]
)
def test_russian_counts_as_russians_do(days, form):
    assert f" {form} после" in Words("ru")("privacy", days=days)


def test_a_sentence_that_is_not_there_or_lacks_a_value_is_an_error():
    with pytest.raises(MissingText, match="no-such-key"):
        Words("en")("no-such-key")
    with pytest.raises(MissingText, match="start"):
        Words("en")("start")


@pytest.mark.parametrize(
    ("tag", "language"),
    [("ru", "ru"), ("ru-RU", "ru"), ("RU_ru", "ru"), ("en-GB", "en"), ("de", "en"), (None, "en"), ("", "en")],
)
def test_the_language_follows_telegrams_tag(tag, language):
    assert language_of(tag) == language


@given(st.text(max_size=400))
def test_a_value_stays_on_its_line_and_turns_nothing_around(text):
    found = harmless(text)
    bare = found[1:-1] if found.startswith("\u2068") and found.endswith("\u2069") else found
    assert len(bare) <= 200
    for char in bare:
        assert char in "\u200d\ufe0f" or unicodedata.category(char)[0] != "C"
        assert unicodedata.category(char) not in ("Zl", "Zp")
    leftward = any(unicodedata.bidirectional(char) in ("R", "AL", "AN") for char in bare)
    assert (found != bare) == leftward


def test_towers_of_accents_fall_and_an_emoji_of_several_stays_whole():
    assert len(harmless("a" + "\u0301" * 50)) == 3
    assert harmless("👩‍🚀 ❤️") == "👩‍🚀 ❤️"
    assert harmless("a\nb\tc\x00d") == "a b cd"
    assert harmless("\u3164\u2800 \u115f\u1160\uffa0") == ""
    assert harmless("שלום") == "\u2068שלום\u2069"


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_proposed_as_words_to_draw_names_a_thing_and_no_more(language):
    """Small models draw the thing that is named, and little else: of a cat in a hat, the cat."""
    shown = [Words(language)(key, title="", words="") for key in ("help", "learned", "words-unknown")]
    shown += [Words(language)(key, words="") for key in ("words-ask-whole", "words-ask-first")]
    named = [re.findall("[“«]([^”»]+)[”»]", text) for text in shown]
    assert all(len(examples) == 1 for examples in named), named
    for [example] in named:
        assert len(example.removeprefix("a ").split()) == 1, example
        assert motif_of(example) is not None, example


def test_html_is_not_touched_for_nobody_reads_it_as_such():
    assert "<b>&amp;" in Words("en")("start", name="<b>&amp;")
    for path in (ROOT / "bot").glob("**/*.py"):
        assert "parse_mode" not in path.read_text(encoding="utf-8"), path
