"""The form of a judge signature: fields joined by |, and what is known only after a reply.

A signature is planned before a call (`judge/signing.py`), because resume must know what is done. Once a reply has named
the model that really answered, that is appended. A call that failed never learns it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

_RESOLVED = "|is:"


def joined(fields: Iterable[str]) -> str:
    """The signature of these fields; a | inside one is encoded.

    >>> joined(["openai:a|b", "v1"])
    'openai:a%7Cb|v1'
    """
    return "|".join(_escaped(field) for field in fields)


def resolved(signature: str, model: str | None) -> str:
    """The signature once the reply has named the model that answered; unchanged where it does not say.

    >>> resolved("openai:m|v1", "m-2026-05-01")
    'openai:m|v1|is:m-2026-05-01'
    """
    return f"{signature}{_RESOLVED}{_escaped(model)}" if model else signature


def planned(signature: str) -> str:
    """The part that was known before the call: what resume compares.

    >>> planned("openai:m|v1|is:m-2026-05-01")
    'openai:m|v1'
    """
    return signature.split(_RESOLVED, 1)[0]


def settled(signatures: Iterable[str]) -> dict[str, str]:
    """Which signature each one counts under: a judge's failed calls belong to the judge.

    A planned signature is taken for the one resolved signature that goes with it. Where several models answered under
    one plan, nobody knows which of them failed, and the planned one stays apart.

    >>> settled(["m|v1", "m|v1|is:a", "n|v1", "n|v1|is:a", "n|v1|is:b"])["m|v1"]
    'm|v1|is:a'
    """
    own = set(signatures)
    known = defaultdict(set)
    for signature in own:
        if _RESOLVED in signature:
            known[planned(signature)].add(signature)
    return {one: next(iter(known[one])) if len(known.get(one, ())) == 1 else one for one in own}


def _escaped(field: str) -> str:
    return field.replace("|", "%7C").replace("\n", " ")
