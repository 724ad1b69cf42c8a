"""Which tags of a reply stand alone, as a verdict does, and which are words of a sentence: the rest are mentions.

A verdict has no other words beside it than a label such as "Final score:". What stands in a block quotation, struck
out, in a comment, in a tag that nobody asked for, under a heading such as "Thinking", or in a code fence with other
words around the fence, is a mention as well.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

from wavjudge.judges.reading.tags import folded, tags

# Words that name a verdict: "Final score:", "我的评分是", "Gesamtbewertung:".

# ruff: noqa: E501, RUF001, RUF002 - signs of other scripts are what this is about


SENTENCE_END = re.compile(r"\.(?!\d)|[!?。！？\n;；\f]")
_DOUBT = frozenset("~≈≥≤±?？¿%‰％")
_LABEL_WORDS = (
    r"(?:the|my|a|this|final|overall|total|semantic|semantics|content|acoustic|acoustics|paralinguistic|voice|speech|sound"
    r"|quality|naturalness|for|of|on|is|as|and|here|here's|s|so|thus|therefore|hence|below|follows|numeric|numerical|score|scores"
    r"|scoring|rating|ratings|rate|verdict|verdicts|grade|mark|evaluation|evaluations|judgment|judgement|assessment|result"
    r"|results|conclusion|answer|response|output|reply|xml|json|axis|axes"
    r"|bewertung|punktzahl|note|urteil|gesamtbewertung|endbewertung|endnote|ergebnis|meine|die|das|der|la|el|le|il|lo|o|ma|mi|minha|mia"
    r"|finale?|global|totale?|puntuaci[oó]n|puntaje|calificaci[oó]n|nota|evaluaci[oó]n|valoraci[oó]n|punteggio|voto"
    r"|valutazione|pontua[cç][aã]o|avalia[cç][aã]o|resultado|оценка|итоговая|итог|балл|моя|рейтинг|النتيجة|التقييم|الدرجة|التقدير|النقاط|النهائية|النهائي"
    r"|ocena|wynik|końcowa|beoordeling|cijfer|eindoordeel|eindscore|puan|puanı|skor|nihai|nilai|điểm|betyg|karakter|arvosana"
    r"|अंक|स्कोर|अंतिम|คะแนน"
    r"|点数|點數|スコア|評価|最終|採点|점수|평가|최종)"
)
_ZH_LABEL = (
    r"(?:我的?|最终|最終|最后|最後|总体|總體|综合|綜合|整体|整體|总|總|语义|語義|内容|內容|声学|聲學|语音|語音|声音|质量|品質|副语言|该|此|本|对|的"
    r"|回答|答案|评分|評分|打分|得分|分数|分數|总分|總分|评价|評價|结果|結果|判断|判定|结论|結論|给分|評級|评级|如下|以下|是|为|為|因此|所以|综上)+"
)
_JA_LABEL = r"(?:総合|最終|評価|採点|点数|スコア|の|総)+|(?:최종|총|종합)?(?:점수|평가|평점)|gesamt\w{3,12}"
_LABEL = re.compile(rf"(?:(?:{_LABEL_WORDS}|{_ZH_LABEL}|{_JA_LABEL}|score-\w{{1,20}})(?:[\W_]+|$))+", re.IGNORECASE)
_SCALE = re.compile(
    r"[(（]\s?\d{1,3}\s?(?:[-–—~～至到]|to)\s?\d{1,3}\s?分?[)）]|\b(?:out of|on a scale of \d{1,3} to) \d{1,3}\b",
    re.IGNORECASE,
)
_JOINING = frozenset(
    re.findall(
        r"\w+", "the my a this for of on is as and s so la el le il lo o ma mi meine die das der 的 是 为 為 此 该"
    )
)
_VERDICT = re.compile(
    r"\b(?:scor|rat(?:e|ing)|verdict|evaluat|judge?ment|assess|grade|mark\b|result|final|overall|conclusion|answer is)"
    r"|bewert|punkt|note\b|urteil|ergebnis|puntua|puntaje|califica|nota\b|evalua|valora|punteggio|voto|pontua|avalia"
    r"|оценк|итог|балл|النتيجة|التقييم|الدرجة"
    r"|评分|評分|打分|得分|分数|分數|总分|總分|评价|評價|结果|結果|判断|判定|结论|結論|给分|点数|點數|スコア|評価|採点|점수|평가",
    re.IGNORECASE,
)
_DISOWNED = re.compile(
    r"\b(?:max|min|possible|highest|lowest|worst|best case|bound|example|e\.g|for instance|sample|compar|previous|last|earlier"
    r"|other|another|baseline|reference|transcript|instruct|quote|said|says|asked|claim|had|would (?:have|be)|were|if|unless|not|never"
    r"|instead|initial|draft|tentative|provisional|prelim|first|before|range|scale|template|format|beispiel|ejemplo|exemple"
    r"|exemplo|esempio|beste|maximal|previo|anterior)"
    r"|n't\b|例|最高|最低|之前|上一|另一|不是|初步|如果|若|示范|格式|满分|滿分",
    re.IGNORECASE,
)

_NAMES_SCORE = re.compile(
    r"scor|rat(?:e|ing)s?\b|verdict|grade|\bmark\b|overall|total|final|evaluation|judge?ment|assessment"
    r"|bewertung|punktzahl|note\b|urteil|puntuaci|puntaje|calificaci|\bnota\b|evaluaci|valoraci|punteggio|voto|valutazione"
    r"|pontua|avalia|оценка|балл|рейтинг|النتيجة|التقييم|الدرجة|ocena|wynik|beoordeling|cijfer|puan|skor|nilai|điểm|betyg"
    r"|अंक|स्कोर|คะแนน|评分|評分|打分|得分|分数|分數|总分|總分|评价|評價|给分|评级|評級|点数|點數|スコア|評価|採点|점수|평가",
    re.IGNORECASE,
)


def has_words(text: str) -> bool:
    return any(char.isalnum() or char in _DOUBT for char in text)


def is_label(text: str) -> bool:
    """Whether words before a tag only name what follows.

    >>> [is_label(text) for text in ("**Final score:** ", "评分：", "Initial score: ", "I would give ")]
    [True, True, False, False]
    """
    text = _SCALE.sub(" ", text)
    words = re.sub(r"^(?:[\W_]*\d{1,2}[.)、])?[\W_]+", "", text)
    return (
        not set(text) & _DOUBT
        and _LABEL.fullmatch(words) is not None
        and not _JOINING.issuperset(re.findall(r"\w+", words.casefold()))
    )


def introduces(line: str) -> bool:
    """Whether a line that ends in a colon leads to a verdict: a label, or words of rating that nothing takes back.

    >>> [introduces(text) for text in ("Based on this, my rating is:", "Transcript:", "Maximum possible score:")]
    [True, False, False]
    """
    return is_label(line) or (_VERDICT.search(line) is not None and _DISOWNED.search(line) is None)


def names_score(label: str) -> bool:
    """Whether a label speaks of a score at all: "Overall" and "My rating" do, "The answer" does not."""
    return is_label(label) and _NAMES_SCORE.search(label) is not None


# ruff: noqa: E501, RUF001 - signs of other scripts are what this is about


JUSTIFICATION = "\n\f\n"
"""What stands in a text where a justification was taken out."""

_NEAR = 240  # how far to look for other words: what has no end of a sentence for so long is full of them
_WRAPPERS = re.compile(
    r"(?:final|my|the|model|assistant|judge|judge?ment|evaluation|evaluator|rating|scoring)?[_:.-]?"
    r"(?:answers?|responses?|outputs?|repl(?:y|ies)|scores?|solutions?|results?|final|evaluations?|ratings?|judge?ments?"
    r"|verdicts?|assessments?|reviews?|grades?|assistant|semantic|overall|message|xml|root|body|html|p|div|pre|section|format|begin_of_box)"
    r"|回答|答案|结果|評分|评分|输出|最终评分|最终答案|评价|judge"
)
_INLINE_NAMES = "b|strong|i|em|u|code|mark|big|span|font|tt|kbd"
_INLINE = re.compile(rf"</?(?:{_INLINE_NAMES}|br)(?:\s[^<>]{{0,60}})?/?>", re.IGNORECASE)
_NEXT_FIELD = re.compile(r'[\"}\]]\s{0,4},|,\s{0,4}"')
_TOP = re.compile(
    r"[ \t*_`]{0,6}(?:[（(]?(?:/|out of|of|von|sur|de)[\s*]{0,4}\d{1,4}(?![\d/])[)）]?|[（(]\s?\d{1,3}(?:\.\d)?\s?/\s?\d{1,3}\s?[)）]|[（(]\s{0,2}满分\s{0,2}\d{1,3}\s{0,2}分?[)）])?"
    r"[ \t*_`]{0,6}(?:points?\b|stars?\b|分|点|點|星)?"
    r"(?:[ \t*_`]{0,6}[(（](?:good|fair|poor|excellent|bad|very good|the\s*\Z|on (?:a|the) scale)[^)）\n]{0,80}(?:[)）]|\Z))?",
    re.IGNORECASE,
)
_BECAUSE = re.compile(r"[\s*_,，–—-]{0,6}(?:because|since|as|due to|因为|因為|由于|理由)", re.IGNORECASE)
_TOKEN = re.compile(r"<\|[^<>|]{1,60}\|?>|<[^<>|\s]{1,60}\|>")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_FENCED = re.compile(r"(```|~~~)(?:[a-z]{0,12}(?=\s|$))?.*?(?:\1|\Z)", re.DOTALL | re.IGNORECASE)
_ELEMENT = re.compile(r"<heard\b[^<>]{0,60}>[^<>]{0,60}</heard>|<[^<>]{0,80}>", re.IGNORECASE)
_DRAFT_HEADING = re.compile(
    r"think|thought|reason|rationale|analy[sz]|scratch|reflect|draft|brainstorm|deliberat|working|monolog|chain of"
    r"|思考|思路|思维|思維|推理|分析|反思|草稿|过程|過程|考え|思案|推論|생각|추론|überleg|gedank|raisonn|réflex|pens[ée]"
    r"|razona|мысл|рассужд|размыш",
    re.IGNORECASE,
)

_EXAMPLE = re.compile(
    r"^[\s*_#`]{0,9}(?:(?:for example|for instance|e\.g\.|例如|示例|比如|举例)(?!\w)[^\n]{0,200}"
    r"|[^\n]{0,200}(?:\bexample (?:of a|of the|reply|output|answer|response)\b|\bwould (?:look|read)\b)[^\n]{0,200})[:：]\s*$",
    re.IGNORECASE | re.MULTILINE,
)


class Standing:
    """The places of a text, outside of reasoning and justification, where a tag would stand alone.

    >>> said = "Score: <score>4</score>, worse than <score>5</score>"
    >>> Standing("Score: <score>4</score>.").alone(7, 23), Standing(said).alone(36, len(said))
    (True, False)
    """

    def __init__(self, text: str, declared: Collection[str] = ("score", "heard", "justification")) -> None:
        text = folded(text)
        is_json = text.lstrip()[:1] in ("{", "[")
        self._text = text.replace("\\n", "\n ") if is_json else text
        self._is_json = is_json
        marks = [tag for tag in tags(text) if not re.fullmatch(_INLINE_NAMES, tag.name)]
        spans = sorted([*((tag.start, tag.end) for tag in marks), *(found.span() for found in _TOKEN.finditer(text))])
        self._starts, self._ends = [start for start, _ in spans], [end for _, end in spans]
        hidden = [*_undeclared(text, declared), *(found.span() for found in _COMMENT.finditer(text))]
        hidden += [*_under_headings(text), *_fenced(text), *_examples(text)]
        self._hidden = _merged(hidden)

    def alone(self, start: int, end: int) -> bool:
        """Whether what stands from start to end has no words beside it and stands in nothing that takes it away."""
        place = bisect_right(self._hidden, (start, len(self._text) + 1)) - 1
        if place >= 0 and start < self._hidden[place][1]:
            return False
        line = self._text[max(0, start - _NEAR) : start].rpartition("\n")[2]
        if re.match(r"\s*>(?!=)", line):
            return False
        before = self._before(start)
        if has_words(before) and not is_label(before):
            return False
        if not has_words(before) and not self._led_to(start):
            return False
        return not has_words(behind := self._behind(end)) or (has_words(before) and _BECAUSE.match(behind) is not None)

    def _led_to(self, start: int) -> bool:
        """Whether a line of its own that ends in a colon, right above, does not make it something else."""
        tag = bisect_right(self._ends, start) - 1
        since = max(0, start - _NEAR, self._ends[tag] if tag >= 0 else 0)
        above = (
            _INLINE.sub("", self._text[since:start])
            .rpartition("\n")[0]
            .rpartition("\f")[2]
            .rstrip()
            .rpartition("\n")[2]
        )
        line = above.strip(" \t*_#`>|-")
        return line[-1:] not in (":", "：") or introduces(line)

    def _before(self, start: int) -> str:
        tag = bisect_right(self._ends, start) - 1
        since = max(0, start - _NEAR, self._ends[tag] if tag >= 0 else 0)
        near = _INLINE.sub("", self._text[since:start])
        if self._is_json:
            near = _NEXT_FIELD.split(near)[-1]
        return SENTENCE_END.split(near)[-1]

    def _behind(self, end: int) -> str:
        tag = bisect_left(self._starts, end)
        until = min(end + _NEAR, self._starts[tag] if tag < len(self._starts) else len(self._text))
        near = _INLINE.sub("", self._text[end:until])
        if top := _TOP.match(near):
            near = near[top.end() :]
        if self._is_json:
            near = _NEXT_FIELD.split(near)[0]
        stop = SENTENCE_END.search(near)
        return near if stop is None else near[: stop.end()]


def _undeclared(text: str, declared: Collection[str]) -> Iterator[tuple[int, int]]:
    """What stands inside tags that nobody asked for, except those that merely wrap a whole reply."""
    opened: dict[str, list[int]] = defaultdict(list)
    for tag in tags(text):
        if tag.name in declared or _WRAPPERS.fullmatch(tag.name) or re.fullmatch(_INLINE_NAMES, tag.name):
            continue
        if not tag.closing:
            opened[tag.name].append(tag.end)
        elif opened[tag.name]:
            yield opened[tag.name].pop(), tag.start


def _fenced(text: str) -> Iterator[tuple[int, int]]:
    """Code fences that do not hold the whole form, where more than labels and tags stands outside of them."""
    fences = list(_FENCED.finditer(text)) if "```" in text or "~~~" in text else []
    if fences and _has_other_words(_ELEMENT.sub(" ", _FENCED.sub("\n", text)[:4000])):
        yield from (fence.span() for fence in fences if not ("\f" in fence[0] and "<heard" in fence[0]))


def _has_other_words(text: str) -> bool:
    return any(has_words(part) and not is_label(part) for part in SENTENCE_END.split(text))


def _under_headings(text: str) -> Iterator[tuple[int, int]]:
    """What stands under a heading of reasoning, to the next heading or to where the form that is asked for begins."""
    since, place = None, 0
    for line in text.split("\n") if _DRAFT_HEADING.search(text) else ():
        title = line.strip()
        if _is_heading(title) or title.startswith("<heard") or line == "\f":
            if since is not None:
                yield since, place
            since = place + len(line) if _is_heading(title) and _DRAFT_HEADING.search(title) else None
        place += len(line) + 1
    if since is not None:
        yield since, len(text)


def _examples(text: str) -> Iterator[tuple[int, int]]:
    """A form that a line above calls an example of a reply, to where the next form begins."""
    for line in _EXAMPLE.finditer(text):
        form = text.find("<heard", line.end())
        if form >= 0 and not has_words(text[line.end() : form]):
            behind = text.find("<heard>", form + 1)
            yield form, behind if behind >= 0 else len(text)


def _is_heading(title: str) -> bool:
    if not title or len(title) > 60 or "<" in title:
        return False
    is_framed = (title[0], title[-1]) in (("【", "】"), ("[", "]"))
    is_bold = title[0] in "*_" and title.rstrip(":：")[-1:] in ("*", "_") and len(title) > 2
    return title.startswith("#") or is_framed or is_bold or title[-1] in ":：…" or title.endswith("...")


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
