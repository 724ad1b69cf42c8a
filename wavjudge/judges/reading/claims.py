"""Scores that a reply states outside of the tag it was asked for: "Final score: 3/5", "Wait, make that a 2", [[3]].

Beside a tag that says otherwise there are two verdicts, and neither is picked. A label counts wherever it stands; words
that take something back, and a line with nothing but a number, only behind the tag.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator

from wavjudge.judges.prompts import PromptAxis
from wavjudge.judges.reading.standing import names_score
from wavjudge.judges.reading.tags import folded, tags

# ruff: noqa: E501, RUF001 - signs of other scripts are what this is about


_LONGEST = 240  # of a sentence that states a score
_MOST = 8_000  # characters at either end of a reply that are looked at
_PIECE = re.compile(r"[\n\f。！？!?;；]|(?<!\d)\.(?!\d)|(?<=\d)\.(?=\s+[^\W\d])|[,，、](?!\d)")
_NO_LIST = re.compile(r"[\n\f。！？!?;；]|(?<!\d)\.(?!\d)")  # "1. The answer is right" stays one piece
_SENTENCE = re.compile(r"[\n\f。！？!?;；]|\.(?!\d)")

_WORDS = {word: value for value, word in enumerate(
    ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"])}  # fmt: skip
_HAN = {char: value for value, chars in enumerate(
    ("零〇", "一", "二两", "三", "四", "五", "六", "七", "八", "九", "十")) for char in chars}  # fmt: skip
_NUMBER = r"(?P<number>(?<![\d.,])[+-]?\d{1,3}(?:[.,]\d{1,2})?(?![\d]|[.,]\d))"
_TOP = r"(?:\s?(?:/|out of|of|von|sur|su|de|из|над)\s?\d{1,3})?"
_MARKS = r"[\s*_`\"'“”‘’「」()（）\[\]{}【】$|>]*+"
_BOXED = r"(?:\\boxed\{|\[\[)?"
_IS = r"(?:[:：=→|]|=>|->|—|–|\b(?:is|are|be|ist|es|est|è|é|sind)\b|是|为|為|は|[,，])"

_LABELLED = re.compile(
    rf"[\W_]*(?P<label>[^\d:：=→|,，]{{1,80}}?){_MARKS}(?:{_IS}|(?<=[\s*_|`]))"
    rf"{_MARKS}{_BOXED}{_MARKS}(?:{_NUMBER}{_TOP}|(?P<stars>[★⭐🌟]{{1,10}})☆*)"
    rf"(?!\s{{0,2}}(?:[=:：%]|[-–—~～至到]\s?\d|(?:to|and|or|bis)\s+\d|(?:means?|meaning|being|stands|for)\b|\([^()]{{1,60}}\)\s?(?:to|[-–—,])\s?\d))"
)
_REVISED = re.compile(r"\b(?:revised|corrected|updated|adjusted|amended|new|actual|true|real|correct|proper|neue|nueva|nouvelle)\b|更新后?的?|修正后?的?|修改后?的?",
                      re.IGNORECASE)  # fmt: skip
_ASPECTS = frozenset(
    [
        "semantic",
        "semantics",
        "content",
        "acoustic",
        "acoustics",
        "paralinguistic",
        "voice",
        "speech",
        "sound",
        "quality",
        "naturalness",
        "语义",
        "語義",
        "内容",
        "內容",
        "声学",
        "聲學",
        "语音",
        "語音",
        "声音",
        "质量",
        "品質",
        "副语言",
    ]
)
_BRACKETED = re.compile(r"\[\[\s{0,3}(?P<double>[+-]?\d{1,3}(?:\.\d{1,2})?)\s{0,3}\]\]"
                        r"|\\boxed\{\s{0,3}(?P<boxed>[+-]?\d{1,3}(?:\.\d{1,2})?)\s{0,3}\}"
                        r"|(?P<full>[★⭐🌟]{1,10})(?P<empty>☆{0,10})")  # fmt: skip
_TAGGED = re.compile(
    r"<(?P<name>[\w.:-]{1,40})(?:\s[^<>]{0,80})?>\s{0,8}(?P<number>[+-]?\d{1,3}(?:\.\d{1,2})?)(?:\s?/\s?\d{1,3})?\s{0,8}</(?P=name)\s?>",
    re.IGNORECASE,
)
_TAG_OF_SCORE = re.compile(
    r"(?:(?:final|overall|total|my|the|revised|corrected|new|true|actual)[_.:-]?)*"
    r"(?:score|rating|overall|final|verdict|grade|mark|evaluation|judge?ment|result|answer|total)"
    r"(?:[_.:-]?(?:final|value|overall|total|revised|corrected|new))*",
    re.IGNORECASE,
)

_TAKES_BACK = re.compile(
    r"[\W_]*(?:(?:no|oh|ah|oops|whoops|well|sorry|ok(?:ay)?|but|and|so|my bad|apologies|nein|ach|perdón|disculpa|pardon|désolé|desculpe|scusa)\b[\s,.…—–-]*){0,3}"
    r"(?:hm+|wait|actually|on (?:\w+ )?(?:thoughts?|reflection|listening|listen|look|hearing|consideration)|edit(?:ed)?\b|corr(?:ection|igendum|ected)|errat(?:um|a)"
    r"|scratch|strike|up?on (?:\w+ )?(?:re|further|closer|second|reflection|listening)|in (?:hindsight|retrospect|fact|truth)|looking back|listening (?:again|back|once more)"
    r"|having (?:re|second|listened)|after (?:re|another|more|further|a second|listening|some|all)|re-?(?:consider|listen|evaluat|assess|visit|think|rat|scor)|revis|updat|adjust"
    r"|(?:let's |let us |let me )?(?:make|call) (?:that|it)|let me (?:correct|revise|change|re|lower|raise|adjust|fix|update)|rather|better|instead|then again|thinking about it"
    r"|my (?:mistake|error|bad|final|corrected|revised)|that (?:should|ought|was)|it (?:should|ought)|should (?:be|have)|i(?:'d| would| will|'ll| should|'m| am| have|'ve)?(?: now| rather| actually| have| like| want| to){0,4} "
    r"(?:lower|raise|change|revise|correct|adjust|downgrade|upgrade|reduce|increase|reconsider|giv|give|gave|say|said|meant|mean|rate|score|settle|go with|going with|withdraw|take)"
    r"|korrektur|berichtigung|moment\b|doch\b|eigentlich|besser|eher|ich (?:korrigiere|meinte|ändere|würde)|correction|finalement|en fait|plutôt|réflexion|je (?:corrige|voulais|dirais)"
    r"|corrección|mejor|en realidad|pensándolo|quise|correção|na verdade|melhor|aliás|correzione|anzi|in realtà|meglio|volevo|исправ|поправ|вернее|точнее|на самом деле|лучше"
    r"|更正|订正|訂正|修正|改|收回|不对|不對|不,|重新|再想|再听|再聽|还是|還是|等等|等一下|抱歉|对不起|其实|其實|实际上|仔细|应该是|應該是|정정|수정|다시|아니|すみません|正しくは|सुधार|सही|تصحيح|الصحيح|đính chính|やはり|やっぱり|いや)",
    re.IGNORECASE,
)
_GIVEN = re.compile(
    r"(?<![\w.,/])(?<!第)(?:[\"'*_`(\[“]{0,3})(?P<given>[+-]?\d{1,3}(?:\.\d{1,2})?|"
    + "|".join(_WORDS)
    + rf"|[{''.join(_HAN)}](?=\s?[分点點星]))"
    r"(?![\d.]*\d)(?=[\"'*_`)\]”]{0,3}\s{0,2}(?:$|[^\w\s%％°$€£]|分|点|點|星|が|に|で|を|points?\b|stars?\b|out of\b|von\b|sur\b|de \d|su \d|из\b"
    r"|(?:is|was|would|seems?|feels?|fits?|describes?|might|may|could|should|sounds?|looks?|better|instead|rather|at|because|as|since|given|overall|more|not|here|then|now|after|if|though|actually|total|perhaps|maybe|please|than|and|but|ist|wäre|passt|sería|es|serait|est|sarebbe|seria)\b|है|होना))",
    re.IGNORECASE,
)
_GIVEN_ATTACHED = re.compile(rf"(?P<given>\d{{1,2}}(?:\.\d)?|[{''.join(_HAN)}])\s?(?:分|点|點|星|점)(?![钟鐘半之以])")
_NOT_GIVEN = re.compile(
    r"(?:questions?|answers?|turns?|steps?|items?|lines?|speakers?|parts?|points?|numbers?|no\.|#|versions?|options?|candidates?|criteri\w+|section|sentence|example"
    r"|level|part|than|from|not|n't|not a|not an|from an?|of the|in|at|by|for|with|about|than an?|says|said|answer(?:ed|s)|mentions?|names?|states?|counts?|claims?|lists?|ha[sd]|have|contains?|lasts?|takes?|only|all|第)\s{0,2}[\"'*_`(\[“]{0,3}$",
    re.IGNORECASE,
)
_BARE = re.compile(rf"(?:it'?s |it is |that'?s |a |an |therefore |so |thus |= ?)?{_MARKS}{_NUMBER}{_TOP}\s?(?:points?|stars?|分|点|點|星|점)?(?:です|吧|입니다)?[\W_]*", re.IGNORECASE)  # fmt: skip


_SOURCE = (
    r"(?:recording|audio|speaker|user|answer|clip|message|voice|person|candidate|assistant|speech|transcript|sound)s?"
)
_ANOTHERS = re.compile(
    rf"\b{_SOURCE}\b[^.]{{0,40}}\b(?:(?:instruct|ask|tell|told|order|want|command|urg|beg|plead|prompt|request|direct|try|trie|attempt)\w{{0,6}} (?:me|the (?:judge|evaluator|rater)|to (?:steer|influence|manipulate|inject)|to (?:output|print|return|give|write|say|put|assign|award) (?:\w+ ){{0,3}}(?:scores?|ratings?|marks?|tags?|lines?|following|this|that|\d|<))"
    rf"|(?:dictat|demand|request|inject|insert)\w{{0,4}}\b[^.]{{0,20}}\b(?:scor|rat|tag|output|number|verdict|line|text))"
    rf"|\b{_SOURCE}\b (?:\w+ )?(?:contain|include|read|say|state|show|spell|utter|quote)\w{{0,3}} (?:\w+ ){{0,2}}(?:the (?:following|text|line|words|instruction|tag)|text below|line below|this (?:line|text|tag))"
    r"|\b(?:score|rating|verdict|tag|number|line)s?\b(?: above| below)? (?:was|is|were|are|came|comes|has been) (?:\w+ )?(?:dictated|quoted|copied|requested|demanded|injected|taken from|from the|part of the (?:recording|audio|answer)|what the)"
    r"|\bnot my (?:own )?(?:rating|score|verdict|opinion|judge?ment|assessment|words)\b|\bdoes not reflect\b"
    rf"|\b(?:manipulat|steer)\w{{0,4}}\b[^.]{{0,30}}\b(?:rating|score|me|judge|verdict)|\b(?:prompt[ -]injection|injected)\b|\b(?:asked|instructed|told|requested|ordered|dictated|demanded) by the {_SOURCE}\b|(?:要求|指示|让|叫|命令)(?:我|评委|裁判)(?:输出|给|打|写|说)",
    re.IGNORECASE,
)
"""Words that say whose the score is: somebody's in the recording."""
_UNFINISHED = re.compile(
    r"\bbefore (?:finali[sz]ing|answering|submitting|I (?:send|submit|answer|finali[sz]e|commit))"
    r"|\blet me (?:(?:just )?double[ -]?check|re-?(?:check|read|listen|consider|view|think|visit|evaluate)|verify|listen (?:again|once more))"
    r"|^[\W_]*(?:hm+,? |no,? |actually,? |wait,? |oops,? |well,? |on (?:second thoughts?|reflection),? )*(?:(?:that|this|it|the (?:score|rating)|my (?:score|rating)|i)\b[^.]{0,24})?\btoo (?:generous|harsh|lenient|strict|severe|kind|optimistic|pessimistic)\b"
    r"|^[\W_]*(?:hm+,? |no,? |actually,? |wait,? )*(?:(?:that|this|the score|the rating|my (?:score|rating))(?: is| was| seems| feels| looks)? )?too (?:high|low)\b(?=\s*(?:$|[,;:!—-]|given|for (?:this|that|it)|i\b))"
    r"|\bI (?:should|would|will|must|'d|need to|want to) (?:\w+ )?(?:lower|raise|reduce|increase|drop|downgrade|upgrade|go (?:one |a (?:point|bit|little) )?(?:lower|higher)|go (?:down|up)|take (?:a|one) point off|deduct)\b"
    r"|\b(?:half a|one|a) points? (?:less|more|lower|higher|too (?:many|much|high|low))\b|\bone (?:lower|higher)\b|\bdeserves (?:less|more|a lower|a higher)\b",
    re.IGNORECASE,
)
"""Words behind a score that go on weighing it."""


def another_score(
    outside: str, after: int, score: float, axis: PromptAxis, declared: Collection[str], *, alone: bool
) -> str | None:
    """The words outside of the tags that state another score on the scale of an axis, or None.

    outside: a reply without reasoning and justification. after: where its last tag ends. declared: the tags that were
    asked for. alone: whether the prompt asks for one axis; of several only the one that a label names is meant.
    """
    text = _without_tags(outside, declared)
    if len(text) > 2 * _MOST:
        text = text[:_MOST] + " " * (len(text) - 2 * _MOST) + text[-_MOST:]
    quoted = Quotations(text)
    found = [*_labelled(text, axis, alone)]
    if alone:
        found += [*_in_forms(text, axis), *_alone_behind(text, after)]
    found += _taken_back(text, after)
    for start, end, number in found:
        if number != score and axis.low <= number <= axis.high and not quoted.hold(start, end):
            return text[start:end].strip(" \n\f\t*_")
    return None


def disowned(outside: str, first: int, after: int, declared: Collection[str]) -> str | None:
    """The words right in front of the first tag of a score, or behind the last one, that make it another's or a draft.

    first, after: where that tag begins, and where the last tag of the reply ends.

    >>> said = "<score>5</score> The speaker asks me to say so."
    >>> disowned(said, 0, 16, ["score"])
    'The speaker asks me to say so'
    """
    text = _without_tags(outside, declared)
    above = text[max(0, first - _LONGEST) : first].rpartition("\f")[2]
    behind = [piece for _, piece in _pieces(text[after : after + _MOST], _SENTENCE)]
    said = [piece for _, piece in _pieces(above, _SENTENCE)] + behind
    found = next((piece for piece in said if _ANOTHERS.search(piece)), None)
    found = found or next((piece for piece in behind if _UNFINISHED.search(piece)), None)
    return found and found.strip(" \n\f\t*_()")


def _without_tags(outside: str, declared: Collection[str]) -> str:
    """The text with ends of sentences in place of the declared tags and what they hold; every place stays."""
    chars, opened = list(folded(outside)), dict[str, int]()
    for tag in tags(outside):
        if tag.name in declared:
            start = opened.pop(tag.name, tag.start) if tag.closing else tag.start
            chars[start : tag.end] = "\f" * (tag.end - start)
            if not tag.closing:
                opened[tag.name] = tag.start
    return "".join(chars)


def _labelled(text: str, axis: PromptAxis, alone: bool) -> Iterator[tuple[int, int, float]]:
    for start, piece in (*_pieces(text, _PIECE), *_pieces(text, _SENTENCE)):
        said = _LABELLED.match(piece)
        if said is None:
            continue
        label = _REVISED.sub(" ", said["label"]).strip(" \t*_#\"'`{[(-•")
        if label.casefold() in (axis.name.casefold(), axis.tag.casefold()) or _is_of(label, axis, alone):
            number = float(len(said["stars"])) if said["stars"] else _value(said["number"])
            yield start + said.start("label"), start + said.end(), number


def _is_of(label: str, axis: PromptAxis, alone: bool) -> bool:
    words = set(re.findall(r"\w+", label.casefold()))
    aspects = {aspect for aspect in _ASPECTS if aspect in words or (not aspect.isascii() and aspect in label)}
    if aspects:
        return aspects <= {axis.name.casefold(), f"{axis.name.casefold()}s"} and names_score(label)
    return alone and names_score(label)


def _in_forms(text: str, axis: PromptAxis) -> Iterator[tuple[int, int, float]]:
    """[[3]], \\boxed{3}, a row of stars, and a tag of a score that nobody asked for."""
    for found in _BRACKETED.finditer(text):
        if not found["full"]:
            yield *found.span(), float(found["double"] or found["boxed"])
        elif len(found["full"] + found["empty"]) == axis.high:
            yield *found.span(), float(len(found["full"]))
    for found in _TAGGED.finditer(text):
        if _TAG_OF_SCORE.fullmatch(found["name"]) or found["name"].casefold() == axis.name.casefold():
            yield *found.span(), float(found["number"])


def _taken_back(text: str, after: int) -> Iterator[tuple[int, int, float]]:
    """What takes the verdict back behind it and gives another."""
    for start, piece in _pieces(text[after:], _SENTENCE):
        if not _TAKES_BACK.match(piece):
            continue
        for said in (*_GIVEN.finditer(piece), *_GIVEN_ATTACHED.finditer(piece)):
            if not _NOT_GIVEN.search(piece[: said.start("given")]):
                yield after + start, after + start + said.end(), _value(said["given"])


def _alone_behind(text: str, after: int) -> Iterator[tuple[int, int, float]]:
    """A piece behind the verdict that is nothing but a number."""
    for start, piece in _pieces(text[after:], _NO_LIST):
        if (bare := _BARE.fullmatch(piece.strip())) is not None:
            yield after + start, after + start + len(piece), _value(bare["number"])


def _pieces(text: str, ends: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    at = 0
    for end in ends.finditer(text):
        if end.start() > at:
            yield at, text[at : min(end.start(), at + _LONGEST)]
        at = end.end()
    if at < len(text):
        yield at, text[at : at + _LONGEST]


def _value(said: str) -> float:
    low = said.casefold()
    return float(_WORDS.get(low, _HAN.get(low, -1))) if low in _WORDS or low in _HAN else float(low.replace(",", "."))


# Which places of a reply stand in quotation marks, as somebody else's words.

# ruff: noqa: RUF001 - signs of other scripts are what this is about


_MARK = re.compile(r"[\"“”„«»「」『』\n]")
_CLOSES = {'"': '"', "“": "”", "„": "“”", "«": "»", "「": "」", "『": "』"}
_KEY = r"(?:think|thought|reason|analy|scratch|reflect|draft|justif|思|分析|理由)"
_REASONING_KEY = re.compile(rf'"[^"\n]{{0,40}}{_KEY}[^"\n]{{0,40}}"\s{{0,4}}:', re.IGNORECASE)
_HEDGE = re.compile(
    r"(?:\b(?:not|never|cannot|instead of|rather than|e\.g\.|for example|for instance|such as|about|around|roughly"
    r"|maybe|perhaps|possibly|either)|n't)[ \t]+(?:[\w']+[ \t]+){0,2}$"
    r"|(?:不是|不给|不能给|并非|而非|大约|大概|可能|也许|或许|例如|比如|譬如)是?[ \t]*$",
    re.IGNORECASE,
)
_SINGLE = frozenset("'‘’")


class Quotations:
    """The quotations of a text: both marks on one line, or single marks right around a place.

    What fills the whole text is none of them: so a reply may come in quotation marks itself, or within JSON.

    >>> said = 'It says "five" twice.'
    >>> Quotations(said).hold(9, 13), Quotations(said).hold(0, 2), Quotations('"five"').hold(1, 5)
    (True, False, False)
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._first, self._last = len(text) - len(text.lstrip()), len(text.rstrip())
        self._starts: list[int] = []
        self._ends: list[int] = []
        since: int | None = None
        is_json = text[self._first : self._first + 1] in ("{", "[") and text[self._last - 1 : self._last] in ("}", "]")
        is_json = is_json and not _REASONING_KEY.search(text)
        for mark in () if is_json else _MARK.finditer(text):
            char = mark.group()
            if since is None:
                since = mark.start() if char in _CLOSES else None
            elif char in _CLOSES[text[since]]:
                self._starts.append(since)
                self._ends.append(mark.end())
                since = None
            elif char == "\n":
                since = None

    def hold(self, start: int, end: int) -> bool:
        """Whether the text from start to end stands in a quotation that is not the whole text."""
        around = self._text[start - 1 : start], self._text[end : end + 1]
        if all(mark in _SINGLE for mark in around):
            return (start - 1, end + 1) != (self._first, self._last)
        place = bisect_right(self._starts, start) - 1
        if place >= 0 and end <= self._ends[place]:
            return (self._starts[place], self._ends[place]) != (self._first, self._last)
        return False


def is_hedged(text: str, start: int) -> bool:
    """Whether the words right before a place, on its line, deny it, doubt it, or make an example of it.

    >>> [is_hedged(said, len(said)) for said in ("I would not give ", "Perhaps ", "I give it ", "Not bad at all: ")]
    [True, True, False, False]
    """
    return _HEDGE.search(text[max(0, start - 60) : start].rpartition("\n")[2]) is not None
