"""Which letter of a multiple-choice question an answer in free words chooses.

Rules stand in an order, surest first; the first that finds a letter decides. A rule that finds two different letters
finds no answer, and a letter that is denied once is passed over by the later rules too. Nothing is drawn at random:
who names no letter chose none. Phrases are English and Chinese.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from wavjudge.checks.writing import denied, plain, simplified


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
    Reading(chosen='C', why='stated outright', named=('C',))
    >>> read_choice("I don't know.", offered).why, read_choice("Option A, or option B.", offered).why
    ('no answer found', 'several answers')
    """
    words = spelt(simplified(plain(text)), offered)
    withdrawn = False
    for correction in corrections(words):
        if not _read(correction.before, offered).named:
            continue  # there was nothing to take back
        reading = _read(correction.after, offered)
        if reading.named and (correction.surely or reading.why != "no other letter"):
            return reading
        withdrawn |= correction.surely
    return Reading(None, "taken back") if withdrawn else _read(words, offered)


def _read(text: str, offered: Mapping[str, str]) -> Reading:
    ruled_out: set[int] = set()
    for why, rule in _RULES.items():
        found: list[str] = []
        for start, end, letters in rule(text, offered):
            if denied(text, start, end):
                ruled_out.update(at for at, _ in letters)
            else:
                found += [letter for at, letter in letters if at not in ruled_out]
        if named := tuple(dict.fromkeys(found)):
            return Reading(named[0], why, named) if len(named) == 1 else Reading(None, "several answers", named)
    return Reading(None, "no answer found")


_Mention = tuple[int, int, tuple[tuple[int, str], ...]]
"""Where it begins and ends; place and name of each letter in it."""


def _any(*choices: str) -> str:
    return f"(?i:{'|'.join(choices)})"


_ARTICLE = re.compile(r"\s+(?!because|since|as\b|for\b|and\b|or\b|which|but\b|so\b|is\b|was\b|over\b|instead\b)[a-z]")
"""After a large A or I: "The answer is A dog" holds an article, as far as anybody can see."""
_NAMES_ELSE = re.compile(
    r"(?:\b(?:vitamin|plan|grade|hepatitis|type|group|class|team|gate|platform|exit|terminal|appendix|figure|section"
    r"|part|degrees?|mr|mrs|ms|dr|prof|st)\.?\s+|\b[A-Za-z]\.)$", re.IGNORECASE,
)  # fmt: skip
"""Before a letter that is part of a name: "vitamin C", "Dr. D. Smith", "U.S.A."."""
_NAME = _any("option", "choice", "letter", "answer", "选项")
_BE = _any("is", "was", "(?:would|will|should|must|has to|would have to) be")
_IS = rf"(?:\s+{_BE}\b|'s\b|\s*:)"
_IT_IS = rf"\b{_any('it')}(?:'s|\s+{_any('is', 'would be', 'must be', 'has to be', 'should be')})\b"
_SURELY = _any("most likely", "probably", "clearly", "therefore", "definitely", "simply", "the", "both", "either")
_CHOOSE = _any(
    "choose", "chose", "pick", "select", "choosing", "picking", "go(?:ing)? (?:with|for)", "went (?:with|for)",
    "opt for", "say", "think", "believe", "guess",
)  # fmt: skip
_OUTRIGHT = (
    rf"\b{_any('answer', 'choice', 'option', 'letter', 'solution', 'one', 'response')}"
    rf"(?:\s+{_any('here', '(?:to|for|of|in)(?: [a-z]+){1,4}')})?"
    rf"{_IS}(?:\s*{_SURELY})*\s*(?:{_NAME}\b)?\s*:?\s*LETTER",
    rf"LETTER{_IS}(?:\s+{_SURELY})*\s+{_any('correct', 'right', 'best', 'answer')}\b",
    r"(?:答案|选择|选项|正确的)\s*(?:应该|应当|就|显然|肯定)?\s*[是为:]\s*(?:选项)?\s*LETTER",
    r"LETTER\s*(?:选项|项)?\s*(?:才?是)?\s*(?:正确|对的|最合适|答案)",
)
_STATED = (
    rf"\b{_CHOOSE}\s+(?:{_any('that')}\s+)?(?:{_IT_IS}\s+)?(?:{_any('the')}\s+)?(?:{_NAME}{_IS}?\s*)?LETTER",
    rf"{_IT_IS}\s+(?:{_any('the')}\s+)?(?:{_NAME}\s+)?LETTER",
    r"(?:觉得|认为|应该|应当|可能|肯定|那就|而)是\s*(?:选项)?\s*LETTER",
    r"(?<!可)选(?:择|项)?\s*(?:的是|了)?\s*LETTER",
)


def _letter(letters: str) -> str:
    """A pattern for one letter: large, or small where brackets or the end of a clause set it apart."""
    low = letters.lower()
    return (
        rf"[*_\"']*(?:[(\[]\s*(?P<bracketed>[{letters}{low}])\s*[)\]]"
        rf"|(?P<large>[{letters}])(?!'\w|[A-Za-z0-9&+#]|\.\d|\.[A-Z]\b)"
        rf"|(?P<small>[{low}])(?=[*_\"'\s]*(?:[.,;:!?。\n)\]]|$|\s{_any('because', 'since')}\b)))"
    )


def _found(pattern: str, text: str, offered: Mapping[str, str]) -> Iterator[_Mention]:
    letters = "".join(offered)
    for match in re.finditer(pattern.replace("LETTER", _letter(letters)), text):
        at, letter = _named_by(match)
        article = match["large"] in ("A", "I") and _ARTICLE.match(text, match.end("large"))
        if not article and not _NAMES_ELSE.search(text[:at]):
            yield match.start(), match.end(), ((at, letter), *_others(text, match.end(), letters))


def _named_by(match: re.Match[str]) -> tuple[int, str]:
    group = next(name for name in ("bracketed", "large", "small") if match[name])
    return match.start(group), match[group].upper()


def _others(text: str, at: int, letters: str) -> Iterator[tuple[int, str]]:
    """Letters joined to the one that ends here: "A or B", "A, or option B", "A, B and C"."""
    more = _any("or", "and", "nor", "as well as", "but also", "plus", "possibly", "maybe", "perhaps")
    maybe = _any("also", "maybe", "possibly", "perhaps", "even")
    joint = (
        rf"[)\]*\"'\s,]*(?:\b{more}\b(?:\s+{maybe})?|还是|或者?|和|[/&]"
        rf"|(?<=,)\s*(?=[{letters}]\s*(?:,|{_any('or', 'and', 'nor')}\b|\W*$)))(?:\s*{_NAME})?\s*"
    )
    another = re.compile(rf"(?:{joint}|,\s*(?=[{letters}]\s*(?:,|{_any('or', 'and', 'nor')}\b|\W*$)))"
                         rf"{_letter(letters)}(?!\s+{_any('is', 'was')}\b)")  # fmt: skip
    while match := another.match(text, at):
        if match["large"] in ("A", "I") and _ARTICLE.match(text, match.end("large")):
            return
        yield _named_by(match)
        at = match.end()


def _alone(text: str, offered: Mapping[str, str]) -> Iterator[_Mention]:
    letters = "".join(offered)
    name = _any("the option", "the answer", "option", "answer", "choice", "letter", "选项", "答案")
    if found := re.fullmatch(rf"\W*{name}?\W*([{letters}{letters.lower()}])\W*", text):
        yield found.start(1), found.end(), ((found.start(1), found[1].upper()),)


def _patterns(patterns: tuple[str, ...], text: str, offered: Mapping[str, str]) -> Iterator[_Mention]:
    for pattern in patterns:
        yield from _found(pattern, text, offered)


def _first(text: str, offered: Mapping[str, str]) -> Iterator[_Mention]:
    """The letter at the beginning; with those that begin the next lines, where an answer repeats the options, and
    with one that is a sentence of its own further on."""
    letters = "".join(offered)
    end = (
        r"(?=[)\]*_\"']*(?:\s*[.,:;!。、\n](?!\d|[A-Z]\.)|\s+-\s|\s*$|\s+"
        + _any("or", "and", "for sure", "because", "since", "then", "instead", "it is", "i think", "i guess", "please")
        + r"\b))"
    )
    if found := re.match(rf"\W*(?:{_NAME}\s*)?[*_\"'(\[]*([{letters}]){end}", text):
        labels = re.finditer(rf"[\n,;]\s*([{letters}])(?:[):]|\.\s)", text[found.end() :])
        alone = rf"[.,;:!?\u2026。-]\s*(?:it's\s+|选|是)?([{letters}])(?=\s*(?:[.!?。]|$))"  # "B. Let me see. C."
        listed = [(found.end() + one.start(1), one[1]) for one in labels]
        listed += [(found.end() + one.start(1), one[1]) for one in re.finditer(alone, text[found.end() :])]
        yield found.start(1), found.end(), ((found.start(1), found[1]), *_others(text, found.end(), letters), *listed)


def _counted(text: str, offered: Mapping[str, str]) -> Iterator[_Mention]:
    for start, end, letter in counted(text, offered):
        yield start, end, ((start, letter),)


def _own_words(text: str, offered: Mapping[str, str]) -> Iterator[_Mention]:
    """The options whose whole text the answer says; one inside a longer one that was said is none."""
    said = [
        (match.start(), match.end(), letter)
        for letter, option in offered.items()
        if (bare := simplified(plain(option)).strip(" .。"))
        for match in re.finditer(_bounded(bare), text, re.IGNORECASE)
    ]
    for start, end, letter in said:
        if not any(a <= start and end <= b and (a, b) != (start, end) for a, b, _ in said):
            yield start, end, ((start, letter),)


_RULES: dict[str, Callable[[str, Mapping[str, str]], Iterator[_Mention]]] = {
    "nothing but a letter": _alone,
    "stated outright": partial(_patterns, _OUTRIGHT),
    "stated": partial(_patterns, _STATED),
    "first word": _first,
    "option named": partial(_patterns, (rf"(?<![A-Za-z]){_NAME}\s*LETTER",)),
    "letter in brackets": partial(_patterns, (r"(?=[(\[])LETTER",)),
    "begins a sentence": partial(_patterns, (r"(?:(?<=[.!?:]\s)|(?<=[。\n]))\s*LETTER(?=[*_\"']*\s*[).:])",)),
    "the option's own words": _own_words,
    "option counted": _counted,
    "no other letter": partial(_patterns, (r"(?<![A-Za-z0-9'])(?=\W*[A-Z])LETTER",)),
}


def _bounded(option: str) -> str:
    """The option's text with any white space between its words, and not inside a longer word of Latin letters."""
    words = r"\s+".join(re.escape(word) for word in option.split())
    before = r"(?<![A-Za-z0-9])" if option[0].isascii() and option[0].isalnum() else ""
    after = r"(?![A-Za-z0-9])" if option[-1].isascii() and option[-1].isalnum() else ""
    return f"{before}{words}{after}"


# Letters as a voice says them: "option two", "the second option", "option bee".

_LETTERS = {"ay": "A", "bee": "B", "cee": "C", "dee": "D"}
_HOMOPHONES = _LETTERS | {"be": "B", "see": "C", "sea": "C"}
"""Words of their own, which are letters only beside "option" or "letter"."""
_NUMBERS = ("one", "two", "three", "four", "five", "six", "seven", "eight")
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
_CHINESE = "一二三四五六七八"
_END = r"(?=\s*(?:[.,;:!?。]|$|because\b|since\b))"
_SAID = re.compile(rf"\b((?:option|letter)\s+)({'|'.join(_HOMOPHONES)})\b{_END}"
                   rf"|\b((?:answer|choice)(?:\s+is|'s|\s*:)\s+)({'|'.join(_LETTERS)})\b{_END}"
                   rf"|^(\W*)({'|'.join(_LETTERS)})(?=\W*$)", re.IGNORECASE)  # fmt: skip
_NUMBER = rf"(?P<number>[1-8]|{'|'.join(_NUMBERS)})"
_COUNTED = re.compile(
    rf"\b(?:option|choice|answer)(?:\s+is)?\s+(?:the\s+)?(?:option\s+)?(?:number\s+)?{_NUMBER}\b(?![.,]\d)"
    rf"|\bthe\s+(?P<ordinal>{'|'.join(_ORDINALS)}|last)\s+(?:option|choice|answer)\b"
    rf"|\b(?:it's|choose|pick|say|with)\s+the\s+(?P<one>{'|'.join(_ORDINALS)}|last)\s+one\b"
    rf"|^\W*number\s+(?P<alone>[1-8]|{'|'.join(_NUMBERS)})\W*$"
    rf"|(?:选|答案是|选择|是)第(?P<chinese>[{_CHINESE}])[个项]",
    re.IGNORECASE,
)


def spelt(text: str, offered: Mapping[str, str]) -> str:
    """The text with spoken letters as letters, but for words that stand in the options themselves.

    >>> spelt("Option bee.", {"A": "", "B": ""}), spelt("The answer is bee.", {"A": "bee", "B": "wasp"})
    ('Option B.', 'The answer is bee.')
    """
    taken = set(re.findall(r"\w+", " ".join(offered.values()).lower()))

    def letter(found: re.Match[str]) -> str:
        before, word = next((found[at], found[at + 1]) for at in (1, 3, 5) if found[at + 1])
        said = _HOMOPHONES[word.lower()]
        return found[0] if word.lower() in taken or said not in offered else f"{before}{said}"

    return _SAID.sub(letter, text)


def counted(text: str, offered: Mapping[str, str]) -> Iterator[tuple[int, int, str]]:
    """Where an option is named by its place, and its letter; nowhere where options hold numbers themselves.

    >>> list(counted("I'd take option two.", dict.fromkeys("ABCD", "")))
    [(9, 19, 'B')]
    """
    texts = " ".join(offered.values()).lower()
    if re.search(rf"\d|\b(?:{'|'.join((*_NUMBERS, *_ORDINALS))})\b", texts):
        return
    letters = list(offered)
    for found in _COUNTED.finditer(text):
        place = _place(next(value for value in found.groupdict().values() if value).lower(), len(letters))
        if place < len(letters):
            yield found.start(), found.end(), letters[place]


def _place(word: str, size: int) -> int:
    if word == "last":
        return size - 1
    if word.isdecimal():
        return int(word) - 1
    return next(names.index(word) for names in (_NUMBERS, _ORDINALS, _CHINESE) if word in names)


# Where an answer takes back what it said: "B... no, C", "scratch that", 说错了.
#
# Some words take back whatever they follow, even where nothing is said in its place; others ("sorry", "I mean") do so
# only where another answer follows. Texts are plain (`writing.plain`): straight quotes, ASCII punctuation.

_BREAK = r"(?:[,.;:!?。\s-]+|$)"
_CORRECTS = re.compile(
    rf"(?:(?<=[,.;:!?。\s-])|^)(?:no|nope|nah)(?:[,\s]+(?:no|nope|wait|sorry|actually))*(?:[,.;:!?。-]\s*|\s+-\s*|\s*$)"
    r"|(?<=[A-Z])\s+no\s+(?=(?:it's\s+|option\s+)?[A-Z]\b)"
    rf"|\b(?:no,? wait|wait,? no|no,? sorry|no,? actually|scratch that|strike that|i misspoke|on second thoughts?"
    rf"|on reflection|my (?:mistake|bad)|i take (?:that|it) back|never mind|correction"
    rf"|let me (?:correct|reconsider|rephrase|fix|change|redo|restate)(?: (?:that|it|this|myself|my answer))?"
    rf"|(?:forget|ignore|cancel|disregard) (?:that|it)|i stand corrected|i was wrong|that's (?:wrong|not (?:right|it))"
    rf"|i meant|make (?:that|it)|hold on|oops"
    rf"|(?:change|switch) (?:that|it|my (?:answer|choice|mind))(?:\s+to)?)\b{_BREAK}"
    rf"|(?:[哦啊噢呃嗯]?不(?:对|是|不)*|(?:说|搞|弄|选|答)?错了|口误|更正(?:一下)?|纠正(?:一下)?){_BREAK}"
    r"|改(?:成|选|为)|换成|收回",
    re.IGNORECASE,
)
"""Words that take back what stands before them."""
_HESITATES = re.compile(
    rf"\b(?:h+m+|u+h+m*|u+m+|e+r+m*|(?:just )?kidding"
    rf"|sorry|apologies|pardon(?: me)?|excuse me|wait|i mean|(?:or )?rather|then again)\b{_BREAK}"
    r"|\bactually(?=,? (?:it's|it is|no\b|the (?:correct |right )?answer|i (?:think|choose|pick|meant)|[A-Z]\b))"
    r"[\s,.:-]*"
    r"|\b(?:at first|first|initially|originally|was going to|almost|nearly)\b[^.!?]{0,60}?,?\s+but\b[\s,]*"
    rf"|(?:等等|等一下|等下|抱歉|对不起|不好意思|算了|哎呀|唉){_BREAK}"
    r"|(?:准确|确切|正确)地?(?:说|讲)(?:应该)?|应该(?:说)?(?=是)|(?:本来|原来|一开始|起初|刚才|最初)[^。!?]{0,30}?(?:但|后来|现在)(?:还是|是)?",
    re.IGNORECASE,
)
"""Words that take it back where another answer follows."""
_IT_IS_BEFORE = re.compile(r"^(?:那|应该|就|还)*是(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Correction:
    """Words that take something back: what stands before and behind them, and whether they do so in any case."""

    before: str
    after: str
    surely: bool


def corrections(text: str) -> Iterator[Correction]:
    """Every place at which an answer may start anew, the last one first.

    >>> next(corrections("It's B. Scratch that, C.")).after
    'C.'
    >>> list(corrections("It's B."))
    []
    """
    places = [
        (found, surely) for rule, surely in ((_CORRECTS, True), (_HESITATES, False)) for found in rule.finditer(text)
    ]
    for found, surely in sorted(places, key=lambda place: (place[0].end(), place[0].start()), reverse=True):
        yield Correction(text[: found.start()], _IT_IS_BEFORE.sub("", text[found.end() :]), surely)
