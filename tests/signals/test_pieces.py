from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from wavjudge.signals.vad import CHUNK, MAX_SECONDS, RATE_HZ, Span, pieces, spans

CHUNK_SECONDS = CHUNK / RATE_HZ


def test_no_speech_no_pieces():
    assert pieces([], [0.0] * 10, 0.32) == []


def test_short_speech_is_one_piece_with_margins():
    assert pieces([Span(1.0, 2.0)], [0.9] * 100, 3.2) == [Span(0.75, 2.25)]


def test_margins_share_a_short_pause():
    first, second = pieces([Span(0.0, 6.0), Span(6.2, 12.0)], [0.9] * 375, 12.0)
    assert first.end == second.start == 6.1


def test_an_overlong_span_is_cut_where_it_is_least_like_speech():
    probabilities = [0.9] * 375
    probabilities[200] = 0.4
    first, second = pieces([Span(0.0, 12.0)], probabilities, 12.0)
    assert first.end == second.start == 200 * CHUNK_SECONDS


@given(st.lists(st.floats(0, 1), max_size=2000))
def test_pieces_hold_all_speech_in_order_without_overlap(probabilities):
    seconds = len(probabilities) * CHUNK_SECONDS
    found = spans(probabilities, seconds)
    cuts = pieces(found, probabilities, seconds)
    assert all(0 <= cut.start < cut.end <= seconds + 1e-9 for cut in cuts)
    assert all(cut.seconds <= MAX_SECONDS + 1e-9 for cut in cuts)
    assert all(a.end <= b.start + 1e-9 for a, b in pairwise(cuts))
    speech = sum(span.seconds for span in found)
    heard = sum(max(0.0, min(c.end, s.end) - max(c.start, s.start)) for c in cuts for s in found)
    assert abs(speech - heard) < 1e-6


@given(st.lists(st.floats(0.5, 1), min_size=300, max_size=3000))
def test_speech_without_any_pause_is_cut_all_the_same(probabilities):
    seconds = len(probabilities) * CHUNK_SECONDS
    cuts = pieces(spans(probabilities, seconds), probabilities, seconds)
    assert cuts[0].start == 0 and cuts[-1].end == seconds
    assert all(0.1 < cut.seconds <= MAX_SECONDS for cut in cuts)
