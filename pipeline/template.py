"""A prompt's template: which names it may have in braces.

Owns that rule. Knows no profile and no prompt. Light.
"""

from __future__ import annotations

from string import Formatter

SLOTS = ("caption", "token")  # what it may have in braces


def slots(template: str) -> list[str]:
    """The names that a template has in braces, in their order.

    Raises:
        ValueError: another name than ``SLOTS``, or one with a format or a conversion (``{caption:>99999}``).
    """
    try:
        found = [slot[1:] for slot in Formatter().parse(template) if slot[1] is not None]  # name, format, conversion
    except ValueError:  # a brace without its partner
        found = [("?", "", None)]
    if any(name not in SLOTS or how or conversion for name, how, conversion in found):
        raise ValueError(f"{template!r} may use {{caption}} and {{token}} in braces, and nothing else")
    return [str(name) for name, _, _ in found]
