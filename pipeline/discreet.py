"""An address as it may be shown: its scheme and its host. Anything else of it may be a password.

Owns what of an address is harmless. Knows no database and no store. Loads the standard library.
"""

from __future__ import annotations

import re

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,19})://")
_PLAIN = re.compile(r"(?:[^/?#@]*@)?([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?:[:/?#]([^@]*))?", re.DOTALL)


def shown(address: str) -> str:
    """``postgresql://ann:secret@host/database`` → ``postgresql://host/…``.

    Without a host where a stray ``@``, perhaps of a password, leaves it open which one that is; ``…`` where there is
    not even a scheme.
    """
    scheme = _SCHEME.match(address)
    if scheme is None:
        return "…"
    plain = _PLAIN.fullmatch(address, scheme.end())
    if plain is None:
        return f"{scheme[0]}…"
    return f"{scheme[0]}{plain[1]}" + ("" if plain[2] is None else "/…")
