"""Words that are refused are, in whatever disguise; words that only look like them are not."""

import emoji
import pytest

from bot.disguises import ALPHABETS, MOST_CLOSE, MOST_READINGS, MOST_TEXT, folded, plain_of
from bot.wording import LIST, MOST_REASON, rules_of, wording_of
from pipeline.errors import BadSetting

OURS = wording_of(None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("porn", "sexual"),
        ("a PORN sticker", "sexual"),
        ("порно", "sexual"),
        ("Хентай!", "sexual"),
        ("ПоРнУхА", "sexual"),
        ("Heil   Hitler", "hate"),
        ("свастика", "hate"),
        ("my卐cat", "hate"),
        ("lolicon", "minors"),
        ("педофил", "minors"),
        ("nude child", "minors"),
        ("голая девочка", "minors"),
        ("sexy kid", "minors"),
        ("naked 15 y.o.", "minors"),
        ("голая, 15-летняя", "minors"),
        ("a child and porn", "minors"),
    ],
)
def test_what_is_plain_is_refused_with_its_reason(text, reason):
    assert OURS.refused(text) == reason


@pytest.mark.parametrize(
    "text",
    [
        "ｐｏｒｎ",  # full width
        "𝓹𝓸𝓻𝓷",  # of mathematicians
        "ᴘᴏʀɴ",  # small capitals
        "🅿🅾🆁🅽",  # squares
        "🇵🇴🇷🇳",  # flags
        "pöŕñ",
        "po\u200brn",  # zero width
        "po\u00adrn",  # a soft hyphen
        "po\u3164rn",  # a letter that nobody sees
        "рorn",  # the first letter is Cyrillic
        "ΡОRN",  # Greek, Cyrillic, Latin
        "пopнo",  # three letters are Latin
        "nopho",  # all are
        "p0rn",
        "п0рн0",
        "с3кс",
        "p0rn0",
        "d1ldo",
        "swast1ka",
        "n1gger",
        "p o r n",
        "п о р н о",
        "p.o.r.n",
        "p-o-r-n!!!",
        "po.rn",
        "poooorn",
        "porn2024",
        "18porn",
        "cat_porn_cat",
        "(porn)",
    ],
)
def test_a_disguise_is_seen_through(text):
    assert OURS.refused(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "Essex, Sussex and Middlesex",
        "Scunthorpe",
        "Penistone",
        "a cockatoo",
        "a sperm whale",
        "a great tit",
        "a naked mole-rat",
        "Dickens",
        "analysis of a canal",
        "assassin",
        "grape, drape, therapist",
        "Niger, Nigeria, snigger, night",
        "love you xxx",
        "kkkk",
        "14 cats, 88 dogs",
        "a kid in a bath",
        "sexy cat",
        "unisex",
        "классик",
        "застрахуй меня",
        "анализ канала, аналог",
        "жидкий азот, жидкость",
        "хачапури",
        "педагог",
        "сосиски",
        "вагон",
        "скунсы",
        "голый король",
        "детский сад",
        "кот под дождём",
        "да иди ты нахуй",  # swearing is no business of the list
        "Шота Руставели",
        "Лолита",
        "mp3 in 4k",
        "",
        "   ",
        "🐱🌧",
    ],
)
def test_what_only_looks_so_is_not_refused(text):
    assert OURS.refused(text) is None


@pytest.mark.parametrize("language", ["en", "ru", "de", "es", "fr", "it", "pt", "tr", "id"])
def test_no_emoji_has_a_name_that_is_refused(language):
    """Some thousands of harmless phrases, of all that people draw."""
    emoji.config.load_language(language)
    names = {one.get(language, "").strip(":").replace("_", " ") for one in emoji.EMOJI_DATA.values()}
    assert len(names) > 1000
    assert {name for name in names if OURS.refused(name)} == set()


def test_nothing_that_the_bot_itself_says_is_refused():
    for path in LIST.parent.glob("*.ftl"):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert [line for line in lines if OURS.refused(line)] == []


def test_a_text_made_to_take_long_has_few_readings():
    """Counted, not timed: a word of ambiguous signs has two to the power of its length."""
    for word in ("a" + "1" * 39, "p0rn" + "1" * 36, "t0dd1er" + "1b3" * 11, "1" * 40):
        assert all(len(OURS.lexicon._readings(word, table)) <= 2 * MOST_READINGS for table in ALPHABETS)
    assert len(plain_of("porn " * 100_000)) == MOST_TEXT
    assert len(plain_of("\ufdfa" * MOST_TEXT)) == MOST_TEXT  # of which one is eighteen once folded


def test_folding_keeps_letters_and_loses_their_clothes():
    assert folded("Ёлка Й Straße ﬁ") == "елка и strasse fi"


# ── a list ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_operators_list_comes_on_top_and_is_read_as_ours(tmp_path):
    path = tmp_path / "own.txt"
    path.write_text("# ours\nslowpoke, big name\n[brand]\nacme*\n@a: one, two\n@a & three\n", encoding="utf-8")
    own = wording_of(path)
    assert own.refused("SL0WPOKE") == "operator"
    assert own.refused("a big, name") == "operator"
    assert own.refused("name big") is None
    assert own.refused("Acmeist") == "brand"
    assert own.refused("pacme") is None
    assert own.refused("three, then two") == "brand"
    assert own.refused("three") is None
    assert own.refused("porn") == "sexual"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[two words]", r"line 1: '\[two words\]' is no reason"),
        ("ok\n[" + "x" * (MOST_REASON + 1) + "]", "line 2: .* is no reason"),
        ("@a & b", "no group '@a'"),
        ("*", "'\\*' is no word"),
        ("a*b", "'a\\*b' is no word"),
        ("a,,b", "'' is no word"),
    ],
)
def test_a_line_that_is_none_is_told_with_its_number(tmp_path, text, words):
    with pytest.raises(BadSetting, match=words):
        rules_of(text, tmp_path / "own.txt")


def test_a_list_that_cannot_be_read_is_told_by_its_setting(tmp_path):
    with pytest.raises(BadSetting, match=r"STICKERS_REFUSED_WORDS = .*: it cannot be read"):
        wording_of(tmp_path / "nowhere.txt")
    (tmp_path / "odd.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadSetting, match="UTF-8"):
        wording_of(tmp_path / "odd.txt")


@pytest.mark.parametrize(
    "text",
    [
        "детские соски",
        "white power ranger",
        "a phone for $14.88",
        "what sex is your cat?",
        "Девочка, ты почему раздета, на улице мороз",
        "Нам 10 лет, моя сексуальная жена",
        "order number 1488",
        "фаготы и жид Андре",
        "sexual education for teens",
        "А король-то голый! крикнул мальчик",
        "“But the emperor is naked!” cried a little boy",
        "food porn",
        "#FoodPorn, burger",
        "a girl with nude lipstick",
        "дети гуляют, а вокруг голые деревья",
        "секс-символ восьмидесятых",
        "a grammar nazi",
    ],
)
def test_everyday_words_are_nobodys_strike(text):
    assert wording_of(None).refused(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "food porn and porn",
        "food porn with a naked child",
        "голый мальчик, а король одет",
        "король-то голый, и мальчик голый",
        "porn food",
        "food p0rno",
        "nude girl with lipstick",
    ],
)
def test_a_harmless_phrase_hides_nothing_beside_it(text):
    assert OURS.refused(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "a girl naked, cats around",
        "naked. Cat. girl",
        "девочка голая, земля внизу",
        "food. Porn of a child",
        "a nude, shoes off, schoolgirl",
        "naked cat girl",
        "child food porn",
        "book porn of children",
        "naked eye child",
        "nude shoes schoolgirl",
        "король голый мальчик",
        "the emperor's naked child",
        "food, porn",
        "“But the emperor is naked!” cried a little boy, naked",
        "a girl with nude lipstick and a boy",
    ],
)
def test_a_harmless_phrase_smuggles_nothing(text):
    """Neither across a comma or a full stop, nor where minors are concerned, nor beside a quotation."""
    assert OURS.refused(text) is not None


def test_an_operator_may_quote(tmp_path):
    path = tmp_path / "own.txt"
    path.write_text("[minors]\nacme & imp\n! acme road\n!! acme road said the imp\n", encoding="utf-8")
    own = wording_of(path)
    assert own.refused("“Acme road!” said the imp") is None
    assert own.refused("acme road, imp") == "minors"
    assert own.refused("“Acme road!” said the imp to an imp") == "minors"


def test_an_operator_may_call_a_phrase_harmless(tmp_path):
    path = tmp_path / "own.txt"
    path.write_text("acme\n! acme road, big acme*\n", encoding="utf-8")
    own = wording_of(path)
    assert own.refused("12, Acme Road") is None
    assert own.refused("a big acmes") is None
    assert own.refused("acme") == "operator"
    with pytest.raises(BadSetting, match="line 1: '' is no word"):
        rules_of("! a,,b", path)


def test_many_words_that_look_like_the_lists_are_looked_at_closely_only_so_often(monkeypatch):
    """Counted, not timed; what stands there plainly is refused behind any number of them."""
    asked = []
    monkeypatch.setattr(OURS.lexicon, "_readings", lambda word, _: asked.append(word) or [])
    text = " ".join(f"t0dd1er{number}" for number in range(300))
    assert OURS.refused(text) is None
    assert len(asked) <= 2 * MOST_CLOSE
    assert OURS.refused(f"{text} porn") == "sexual"
