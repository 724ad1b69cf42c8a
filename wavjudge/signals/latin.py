"""Which language a text in Latin letters is not in, where nobody says which it is in: by its small words.

This decides one thing only: whether a text of unknown language may be taken for English. It is told which language the
small words are of where that is clear, else only that they are not English; a few names or a single word tell nothing.
"""

from __future__ import annotations

import re
import unicodedata

_ENGLISH_WORDS = """
the and of to is it that this these those you your yours are were was be been being have has had not but what
when where which who whom why how can could will would shall should may might must do does did from with for
about into than then there their theirs they them she her hers his him its it's i'm i've i'd i'll that's there's
what's here's let's don't doesn't didn't isn't aren't wasn't weren't can't couldn't won't wouldn't shouldn't
haven't hasn't you're we're they're he's she's we've you've our ours us my mine if or as at by because while
after before over under some any each every very just also only more most much many yes no well okay sure please
sorry thank thanks hello i a an in on so we he me am up out one two three four five six seven eight nine ten
first last new old good great big small long go get make use take give say see know think want need like come
find tell ask work help look play never always often again still even back down off away around both other
another same such own since until though people time day year way man woman world life part number day's add
turn left right red blue green yellow black white water
"""
_SHARED_WORDS = """
i a an in on so we he me am up out no as of to is was or at do it des has his her
"""
_WEAK_WORDS = """
de la le les los las el en un une una des du di da do dos das del della van von der den het een al os un' l' d'
o e y na ya ne se je ta to ni ma co ja per con son mi tu su par wa non são eu med
"""
_OTHER_WORDS = {
    "German": (
        "ist es nicht und ich sind haben ja nein auch aber wir ihr eine einen einem einer kann wird das sich "
        "noch dass oder wenn weil für auf bei nach über sehr bitte danke wie heißt gibt hier heute schon"
    ),
    "French": (
        "c'est est oui non je vous nous des une dans pas avec sont être avoir mais aussi très merci bonjour "
        "voici voilà ne n'est qui que quoi où cette ces leur ils elles j'ai l' d' qu'il suis êtes"
    ),
    "Spanish": (
        "es sí está están eres somos pero muy también que los una por para con como más hola gracias usted "
        "ustedes yo mi tu su este esta eso tiene tengo puede hoy aquí buenos"
    ),
    "Italian": (
        "è sono sì non gli della delle degli nel nella una per con più anche ciao grazie molto questo questa "
        "quello hai ho siamo c'è dell' l' un' perché oggi buongiorno"
    ),
    "Portuguese": (
        "é não sim são está você vocês eu uma os das dos para com como mais também muito obrigado obrigada "
        "que olá isso este esta tem tenho pode hoje aqui meu minha"
    ),
    "Dutch": (
        "het een niet ik en zijn jij je hij wij ook maar voor naar nee dit dat deze waar wat goed graag heb "
        "heeft kan wordt bij nog heel"
    ),
    "Swedish, Danish or Norwegian": (
        "är och jag inte det ett på med som för av den att har kan ja nej ikke jeg og af hej tak du vi ni "
        "mycket också meget også hvad vad hur hvor"
    ),
    "Polish": (
        "nie tak się jestem są na że jak czy dla mam może już tylko bardzo proszę dziękuję cześć ta które "
        "który po od przez"
    ),
    "Czech or Slovak": (
        "je není jsem jsou se že ano ne na jak pro jako také velmi děkuji dobrý ahoj to som nie sú áno "
        "ďakujem veľmi"
    ),
    "Romanian": (
        "este sunt nu și că pentru cu foarte mulțumesc bună un la pe acest această ești"
    ),
    "Hungarian": (
        "az és nem hogy vagy igen egy ez is de már csak nagyon köszönöm szia vagyok mert"
    ),
    "Finnish": (
        "ei ja se että olen olet hän minä sinä mutta kyllä kiitos hei hyvä tämä ovat kuin myös"
    ),
    "Turkish": (
        "bir ve bu değil evet hay\u0131r için çok ile de ne yok teşekkürler merhaba sen mi"
    ),
    "Indonesian or Malay": (
        "tidak adalah itu ini dengan untuk saya anda dia mereka kami ya bukan di dari ke terima kasih bisa "
        "akan juga sangat"
    ),
    "Vietnamese": (
        "là không và của có tôi bạn được một này những các với xin chào cảm ơn rất đó"
    ),
    "Swahili": (
        "ni na ya wa kwa hapana ndiyo mimi wewe yeye sisi asante habari sana katika hii hiyo"
    ),
    "Catalan": (
        "és sóc són amb però també molt gràcies hola els una aquest aquesta què no"
    ),
}  # fmt: skip
_ENGLISH = frozenset(_ENGLISH_WORDS.split())
_SHARED = frozenset(_SHARED_WORDS.split())
"""English small words that other languages have too: they count for half."""
_OTHERS = {name: frozenset(words.split()) - _ENGLISH for name, words in _OTHER_WORDS.items()}
_WEAK = frozenset(_WEAK_WORDS.split())
"""Small words that stand in names that English has too (La Paz, van Gogh): alone they tell nothing."""
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_ELIDED = re.compile(r"^(?:[ldjnmstc]|qu|un|dell|all|nell|c)'(?=\w{2})")
_LONG = 8
"""So many words of English hold small ones."""
_FEW = 0.1
"""The least share of them in such a text."""
_MARKED = 0.06
"""The largest share of letters with accents in an English text of several words."""
_BETWEEN = re.compile(r"[,;\n]")


def not_english_words(text: str) -> str | None:
    """Whose words a text in Latin letters has, if they are not English: "German", or "another language than English";
    None where they are, or where nothing tells.

    >>> [not_english_words(text) for text in ("Das ist nicht Paris.", "It's not Paris.", "Los Angeles")]
    ['German', None, None]
    >>> not_english_words("Saan ka pupunta bukas ng umaga kasama ang mga kaibigan mo?")
    'another language than English'
    """
    found = _WORD.findall(unicodedata.normalize("NFC", text))
    if not text.isupper():
        found = [word for word in found if len(word) == 1 or not word.isupper()]  # MIT and EU are names
    words = [word.lower().replace("\u2019", "'") for word in found]
    english = sum(0.5 if word in _SHARED else 1.0 for word in words if word in _ENGLISH)
    parts = {*words, *(cut[0] for word in words if (cut := _ELIDED.match(word)))}
    weights = {name: _weight(words, parts, own) for name, own in _OTHERS.items()}
    most = max(weights.values())
    if most >= 2 and most > 2 * english:
        first, *more = [name for name, weight in weights.items() if weight == most]
        return "another language than English" if more else first
    is_marked = len(words) > 3 and not english and _marked(text) > _MARKED
    is_list = 3 * len(_BETWEEN.findall(text)) > len(words)  # which holds no small words in English either
    is_without = len(words) >= _LONG and english < _FEW * len(words) and not is_list
    return "another language than English" if is_marked or is_without else None


def _weight(words: list[str], parts: set[str], own: frozenset[str]) -> float:
    """What speaks for a language: 2 for each of its own words; 1 for small ones that names hold too, beside others."""
    strong = sum(2 for word in words if word in own and word not in _WEAK)
    weak = sum(1 for word in words if word in own and word in _WEAK) + len(parts & own - set(words))
    return strong + weak if strong or weak > 2 else 0


def _marked(text: str) -> float:
    """The share of letters that are not of the 26; one alone is none."""
    letters = [sign for sign in unicodedata.normalize("NFC", text) if sign.isalpha()]
    marked = sum(not sign.isascii() for sign in letters)
    return marked / len(letters) if marked > 1 else 0.0
