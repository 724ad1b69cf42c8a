"""Words that name a verdict: "Final score:", "我的评分是", "Gesamtbewertung:"."""

# ruff: noqa: E501, RUF001, RUF002 - signs of other scripts are what this is about

from __future__ import annotations

import re

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
