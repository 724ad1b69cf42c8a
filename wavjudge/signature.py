"""The form of a judge signature: fields joined by |, and what is known only after a reply.

A signature is planned before a call (`judges/signing.py`), because resume must know what is done. Once a reply has
named the model that really answered, that is appended. A call that failed never learns it.

What a reply says of the model has three states, which are kept apart. Named: something else than the bare name that was
asked for, such as a dated snapshot; this is the only one that verifies who answered. Echoed: the name that was asked
for, which a server repeats whatever stands behind it. Unsaid: nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Literal

_RESOLVED = "|is:"

REPLIED = frozenset({"ok", "unparseable"})
"""Statuses of a rating that are known by a reply; any other may come of a call that nobody answered."""

Identity = Literal["named", "echoed", "unsaid"]
"""What a reply says of the model that gave it."""

_UNVERIFIED = {
    "named": "", "echoed": "identity not verified: the server repeats the name it was asked for",
    "unsaid": "identity not verified: nothing says which model answered",
}  # fmt: skip


def joined(fields: Iterable[str]) -> str:
    """The signature of these fields; a | inside one is encoded.

    >>> joined(["openai:a|b", "v1"])
    'openai:a%7Cb|v1'
    """
    return "|".join(_escaped(field) for field in fields)


def resolved(signature: str, model: str | None) -> str:
    """The signature once the reply has named the model that answered; unchanged where it does not say.

    >>> resolved("openai:m|v1", "m-2026-05-01"), resolved("openai:m|v1", " ")
    ('openai:m|v1|is:m-2026-05-01', 'openai:m|v1')
    """
    return f"{signature}{_RESOLVED}{_escaped(model)}" if model and model.strip() else signature


def planned(signature: str) -> str:
    """The part that was known before the call: what resume compares.

    >>> planned("openai:m|v1|is:m-2026-05-01")
    'openai:m|v1'
    """
    return signature.split(_RESOLVED, 1)[0]


def resolved_model(signature: str) -> str | None:
    """The model that answered, as the server spells it; None where no reply named one.

    >>> resolved_model("openai:m|v1|is:m-2026-05-01"), resolved_model("openai:m|v1")
    ('m-2026-05-01', None)
    """
    return signature.partition(_RESOLVED)[2] or None


def same_model(one: str | None, other: str | None) -> bool:
    """Whether two replies, by what they say, come from one model. Case and Gemini's `models/` make no difference.

    A bare name is no dated one, and no name is neither: a reply that says less is not taken for one that says more.

    >>> same_model("models/Gemini-3.5-Flash", "gemini-3.5-flash"), same_model(None, None)
    (True, True)
    >>> same_model("m", "m-2026-05-01"), same_model("m", None), same_model("acme/m", "m")
    (False, False, False)
    """
    return _plain(one) == _plain(other)


def same_judge(one: str, other: str) -> bool:
    """Whether two signatures are of one judge: the same plan, answered by the same model.

    >>> same_judge("gemini:m|v1|is:models/m-2", "gemini:m|v1|is:m-2"), same_judge("gemini:m|v1", "gemini:m|v1|is:m-2")
    (True, False)
    """
    return planned(one) == planned(other) and same_model(resolved_model(one), resolved_model(other))


def identity(signature: str) -> Identity:
    """What the replies of a judge say of the model that gives them. A vendor before the name says nothing more.

    >>> identity("openai:m|v1|is:m-2026-05-01"), identity("openai:m|v1|is:M"), identity("openai:m|v1")
    ('named', 'echoed', 'unsaid')
    >>> identity("openai:acme/m|v1|is:m"), identity("openai:acme/m|v1|is:other/m")
    ('echoed', 'named')
    """
    asked, answered = _plain(signature.split("|", 1)[0].partition(":")[2]), _plain(resolved_model(signature))
    if answered is None:
        return "unsaid"
    longer, shorter = sorted((asked or "", answered), key=len, reverse=True)
    return "echoed" if longer == shorter or longer.endswith(f"/{shorter}") else "named"


def unverified(signature: str) -> str:
    """What has to be said of a judge of whom nobody knows which model it is; empty where its replies name one, and for
    an instrument or a person.

    >>> unverified("openai:m|v1|is:m"), unverified("openai:m|v1|is:m-2"), unverified("signals|v1")
    ('identity not verified: the server repeats the name it was asked for', '', '')
    """
    first, *others = signature.split("|")
    return _UNVERIFIED[identity(signature)] if ":" in first and others else ""


def temperature(signature: str) -> float | None:
    """The temperature that was asked for; None where the provider's default held, or where the form says none.

    >>> temperature("openai:m|overall.1#ab|parse:1|t:0,seed:1|qt"), temperature("openai:m|overall.1#ab|t:default|qt")
    (0.0, None)
    """
    for field in planned(signature).split("|")[1:]:
        given = dict(part.split(":", 1) for part in field.split(",") if ":" in part)
        try:
            return float(given["t"])
        except (KeyError, ValueError):
            continue
    return None


def settled(signatures: Iterable[str], answered: Collection[str] = ()) -> dict[str, str]:
    """Which signature each one counts under: a judge's failed calls belong to the judge, however its name is spelled.

    A planned signature is taken for the one resolved signature that goes with it. Where several models answered under
    one plan, nobody knows which of them failed, and the planned one stays apart. answered: the signatures under which
    replies came; a planned one among them is a judge whose replies do not say who answered, and stays apart as well.

    >>> settled(["m|v1", "m|v1|is:a", "n|v1", "n|v1|is:a", "n|v1|is:b"])["m|v1"]
    'm|v1|is:a'
    >>> settled(["m|v1", "m|v1|is:a"], answered=["m|v1", "m|v1|is:a"])["m|v1"]
    'm|v1'
    >>> settled(["m|v1|is:models/A", "m|v1|is:a"])["m|v1|is:models/A"]
    'm|v1|is:a'
    """
    spelled: dict[tuple[str, str | None], list[str]] = defaultdict(list)
    for signature in set(signatures):
        spelled[planned(signature), _plain(resolved_model(signature))].append(signature)
    homes = {key: min(same, key=lambda one: (len(one), one)) for key, same in spelled.items()}
    known = defaultdict(list)
    for (plan, model), home in homes.items():
        if model is not None:
            known[plan].append(home)
    for (plan, model), home in homes.items():
        if model is None and len(known[plan]) == 1 and home not in answered:
            homes[plan, model] = known[plan][0]
    return {one: homes[key] for key, same in spelled.items() for one in same}


def _plain(model: str | None) -> str | None:
    """A model's name as it is compared; None where it says nothing."""
    return _escaped(model or "").strip().casefold().removeprefix("models/") or None


def _escaped(field: str) -> str:
    return field.replace("|", "%7C").replace("\n", " ")
