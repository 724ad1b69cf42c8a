"""Which letter of a multiple-choice question an answer in free words chooses.

Rules stand in an order, surest first; the first that finds a letter decides. A rule that finds two different letters
finds no answer. Nothing is drawn at random: who names no letter chose none. Phrases are English and Chinese.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from wavjudge.checks.writing import plain


@dataclass(frozen=True, slots=True)
class Reading:
    """The letter that was chosen, or None; the rule that decided; every letter that rule found, in order."""

    chosen: str | None
    why: str
    named: tuple[str, ...] = ()


def read_choice(text: str, offered: Mapping[str, str]) -> Reading:
    """The letter an answer chooses among those on offer (letter to text; the text may be empty).

    >>> offered = {"A": "iron", "B": "wood", "C": "cast iron"}
    >>> read_choice("B.", offered).chosen, read_choice("I think it is wood, of course.", offered).why
    ('B', "the option's own words")
    >>> read_choice("Not A. The answer is (c), cast iron.", offered)
    Reading(chosen='C', why='stated', named=('C',))
    >>> read_choice("I don't know.", offered).why, read_choice("Option A, or option B.", offered).why
    ('no answer found', 'several answers')
    """
    words, letters = plain(text), "".join(offered)
    for why, rule in _RULES.items():
        found = _own_words(words, offered) if rule is None else rule(words, letters)
        if named := tuple(dict.fromkeys(found)):
            return Reading(named[0], why, named) if len(named) == 1 else Reading(None, "several answers", named)
    return Reading(None, "no answer found")


def _any(*choices: str) -> str:
    return f"(?i:{'|'.join(choices)})"


_DENIED = re.compile(r"(?:\b(?:not|never|cannot|neither|nor|rather than)(?:\s+\w+){0,2}|n't(?:\s+\w+){0,2}"
                     r"|[不别非没]\w?)[\s\"'(]*$", re.IGNORECASE)  # fmt: skip
"""A denial up to two words before."""
_ARTICLE = re.compile(r"\s+(?!because|since|as\b|for\b|and\b|or\b|which|but\b|so\b|is\b|was\b)[a-z]")
"""After a large A or I: "The answer is A dog" holds an article, as far as anybody can see."""
_NAME = _any("option", "choice", "letter", "answer", "选项")
_BE = _any("is", "was", "(?:would|will|should|must|has to|would have to) be")
_IS = rf"(?:\s+{_BE}\b|'s\b|\s*:)"
_IT_IS = rf"\b{_any('it')}(?:'s|\s+{_any('is', 'would be', 'must be', 'has to be', 'should be')})\b"
_SURELY = _any("most likely", "probably", "clearly", "therefore", "definitely", "simply", "the")
_CHOOSE = _any(
    "choose", "chose", "pick", "select", "choosing", "picking", "go(?:ing)? (?:with|for)", "went (?:with|for)",
    "opt for", "say", "think", "believe", "guess",
)  # fmt: skip
_STATED = (
    rf"\b{_any('answer', 'choice', 'option', 'letter', 'solution', 'one', 'response')}"
    rf"(?:\s+{_any('here', '(?:to|for|of|in)(?: [a-z]+){1,4}')})?"
    rf"{_IS}(?:\s*{_SURELY})*\s*(?:{_NAME}\b)?\s*:?\s*LETTER",
    rf"\b{_CHOOSE}\s+(?:{_any('that')}\s+)?(?:{_IT_IS}\s+)?(?:{_any('the')}\s+)?(?:{_NAME}{_IS}?\s*)?LETTER",
    rf"{_IT_IS}\s+(?:{_any('the')}\s+)?(?:{_NAME}\s+)?LETTER",
    rf"LETTER{_IS}(?:\s+{_SURELY})*\s+{_any('correct', 'right', 'best', 'answer')}\b",
    r"(?:答案|选择|选项|正确的)\s*(?:应该|应当|就|显然|肯定)?\s*[是为:]\s*(?:选项)?\s*LETTER",
    r"(?:觉得|认为|应该|应当|可能|肯定|那就|而)是\s*(?:选项)?\s*LETTER",
    r"(?<!可)选(?:择|项)?\s*(?:的是|了)?\s*LETTER",
    r"LETTER\s*(?:选项|项)?\s*(?:才?是)?\s*(?:正确|对的|最合适|答案)",
)


def _letter(letters: str) -> str:
    """A pattern for one letter: large, or small where brackets or the end of a clause set it apart."""
    low = letters.lower()
    return (
        rf"[*_\"']*(?:[(\[]\s*(?P<bracketed>[{letters}{low}])\s*[)\]]|(?P<large>[{letters}])(?![A-Za-z0-9'&])"
        rf"|(?P<small>[{low}])(?=[*_\"'\s]*(?:[.,;:!?。\n)\]]|$)))"
    )


def _found(pattern: str, text: str, letters: str) -> Iterator[str]:
    for match in re.finditer(pattern.replace("LETTER", _letter(letters)), text):
        letter = next(value for value in match.group("bracketed", "large", "small") if value)
        article = match["large"] in ("A", "I") and _ARTICLE.match(text, match.end("large"))
        if not article and not _denied(text, match.start()):
            yield letter.upper()
            yield from _others(text, match.end(), letters)


def _others(text: str, at: int, letters: str) -> Iterator[str]:
    """Letters joined to the one that ends here: "A or B", "A, or option B"."""
    joint = rf"[)\]*\"'\s,]*(?:\b{_any('or', 'and')}\b|还是|或者?|和|/)(?:\s*{_NAME})?\s*"
    another = re.compile(rf"{joint}{_letter(letters)}(?!\s+{_any('is', 'was')}\b)")
    while match := another.match(text, at):
        yield next(value for value in match.group("bracketed", "large", "small") if value).upper()
        at = match.end()


def _denied(text: str, at: int) -> bool:
    return _DENIED.search(text, max(at - 60, 0), at) is not None


def _alone(text: str, letters: str) -> Iterator[str]:
    name = _any("the option", "the answer", "option", "answer", "choice", "letter", "选项", "答案")
    if found := re.fullmatch(rf"\W*{name}?\W*([{letters}{letters.lower()}])\W*", text):
        yield found[1].upper()


def _stated(text: str, letters: str) -> Iterator[str]:
    for pattern in _STATED:
        yield from _found(pattern, text, letters)


def _first(text: str, letters: str) -> Iterator[str]:
    end = r"(?=[)\]*_\"']*(?:\s*[.,:;!。、\n]|\s+-\s|\s*$|\s+" + _any("or", "and") + r"\b))"
    found = re.match(rf"\W*(?:{_NAME}\s*)?[*_\"'(\[]*([{letters}]){end}", text)
    if found:
        yield found[1]
        yield from _others(text, found.end(), letters)


def _begins(text: str, letters: str) -> Iterator[str]:
    yield from _found(r"(?<=[.!?:。\n])\s*LETTER(?=[*_\"']*\s*[).:])", text, letters)


def _named(text: str, letters: str) -> Iterator[str]:
    yield from _found(rf"(?<![A-Za-z]){_NAME}\s*LETTER", text, letters)


def _bracketed(text: str, letters: str) -> Iterator[str]:
    yield from _found(r"(?=[(\[])LETTER", text, letters)


def _only(text: str, letters: str) -> Iterator[str]:
    yield from _found(r"(?<![A-Za-z0-9'])(?=\W*[A-Z])LETTER", text, letters)


_RULES: dict[str, Callable[[str, str], Iterator[str]] | None] = {
    "nothing but a letter": _alone, "stated": _stated, "first word": _first, "option named": _named,
    "letter in brackets": _bracketed, "begins a sentence": _begins,
    "the option's own words": None, "no other letter": _only,
}  # fmt: skip


def _own_words(text: str, offered: Mapping[str, str]) -> Iterator[str]:
    """The options whose whole text the answer says and does not deny; one inside a longer one that was said is none."""
    said = [
        (match.start(), match.end(), letter)
        for letter, option in offered.items()
        if (bare := plain(option).strip(" .。"))
        for match in re.finditer(_bounded(bare), text, re.IGNORECASE)
        if not _denied(text, match.start())
    ]
    for start, end, letter in said:
        if not any(a <= start and end <= b and (a, b) != (start, end) for a, b, _ in said):
            yield letter


def _bounded(option: str) -> str:
    """The option's text with any white space between its words, and not inside a longer word of Latin letters."""
    words = r"\s+".join(re.escape(word) for word in option.split())
    before = r"(?<![A-Za-z0-9])" if option[0].isascii() and option[0].isalnum() else ""
    after = r"(?![A-Za-z0-9])" if option[-1].isascii() and option[-1].isalnum() else ""
    return f"{before}{words}{after}"
