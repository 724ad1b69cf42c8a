"""A text of which nobody says the language: by its small words it is English, another language, or nothing tells."""

from __future__ import annotations

import pytest

from wavjudge.signals.latin import not_english_words
from wavjudge.signals.words import is_english, not_english, stated

FOREIGN = [
    "Das ist nicht Paris.", "Nein, es ist Berlin.", "Ce n'est pas Paris.", "C\u2019est Paris.", "Oui.", "No es París.",
    "Sí, claro.", "Non è Parigi.", "Não é Paris.", "Het is niet Parijs.", "Det är inte Paris.", "Det er ikke Paris.",
    "To nie jest Paryż.", "Není to Paříž.", "Nu este Paris.", "Se ei ole Pariisi.", "Paris değil.", "Bukan Paris.",
    "Không phải là Paris.", "La respuesta correcta es B.", "Ich weiß es nicht.", "Je ne peux pas vous aider.",
    "DAS IST NICHT PARIS.", "Saan ka pupunta bukas ng umaga kasama ang mga kaibigan mo?",
]  # fmt: skip
ENGLISH = [
    "It's Paris, of course.", "The answer is B.", "I'm fine, thank you.", "Hund und Katze is German for dog and cat.",
    "MIT is great.", "My van met a hat.", "Soy sauce and hay.", "Yes.", "No.", "Guten Tag means good day.",
    "Sorry, I can't help with that.", "Vincent van Gogh painted it.", "Machine learning models require large datasets",
    "Use two cups flour, three eggs, one cup sugar, half teaspoon salt.",
]  # fmt: skip
NOTHING_TELLS = [
    "Paris.", "Los Angeles", "Rio de Janeiro", "Café de la Paix", "São Paulo", "Beyoncé", "42", "B", "", "Isaac Newton",
    "Red, blue, green, yellow, orange, purple, black, white, brown", "Ten nine eight seven six five four three",
]  # fmt: skip
UNSTATED = [None, "", "und", "mul", "zxx", "mis", "UND", " und ", "und-Latn", "unknown"]


@pytest.mark.parametrize("text", FOREIGN)
def test_small_words_of_another_language_are_told(text: str) -> None:
    assert not_english_words(text) is not None


@pytest.mark.parametrize("text", ENGLISH + NOTHING_TELLS)
def test_english_names_and_single_words_are_not_taken_for_another_language(text: str) -> None:
    assert not_english_words(text) is None


@pytest.mark.parametrize("language", UNSTATED)
def test_a_tag_that_states_no_language_is_an_unknown_one(language: str | None) -> None:
    assert stated(language) is None and is_english(language)
    assert not_english(language, "It's not Paris.") is None
    assert "the language is not stated, and the words look like German" in str(
        not_english(language, "Das ist nicht B.")
    )
    assert "not written in Latin letters" in str(not_english(language, "我很好"))


def test_a_stated_language_is_believed() -> None:
    assert not_english("en", "Das ist nicht B.") is None
    assert not_english("de", "It is B.") == "the recogniser knows English only; the language is de"
