"""The emoji that may be proposed for a picture, each with its name in words.

Owns which ones, and how a name reads. Knows no picture and no model. Light: loads emoji, which carries Unicode's list.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from emoji import EMOJI_DATA, STATUS

TONE = re.compile("[\U0001f3fb-\U0001f3ff]")  # skin tones: copies of the same thing, which nobody wants proposed
FLAG = re.compile("[\U0001f1e6-\U0001f1ff]{2}|\U0001f3f4[\U000e0020-\U000e007f]+")  # their names are the land's alone
SPOKEN = str.maketrans({"!": " exclamation ", "#": " pound ", "*": " asterisk ", "&": " and ", "’": "", ".": ""})
VARIATION = "\ufe0f"  # asks for the coloured form; some write it, some do not


@lru_cache(maxsize=1)
def candidates() -> Mapping[str, str]:
    """Emoji, fully qualified → its English name (CLDR's) in lower-case letters and digits, in Unicode's order."""
    return MappingProxyType(
        {
            sign: name_of(sign, facts["en"])
            for sign, facts in EMOJI_DATA.items()
            if facts["status"] == STATUS["fully_qualified"] and not TONE.search(sign)
        }
    )


def name_of(sign: str, shortcode: str) -> str:
    """``:cat_face:`` → ``cat face``; a flag is called one."""
    spoken = shortcode.strip(":").replace("_", " ").lower().translate(SPOKEN)
    letters = unicodedata.normalize("NFKD", spoken).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", " ", letters).strip()
    return f"flag {name}" if FLAG.fullmatch(sign) else name


def bare(sign: str) -> str:
    """An emoji without variation selectors, for comparing."""
    return sign.replace(VARIATION, "")
