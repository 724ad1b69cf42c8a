import pytest

from wavjudge.signals.onnx_cut import cut, fields


def field(number, payload):
    return bytes([number << 3 | 2, len(payload)]) + payload


def node(reads, makes):
    return field(1, b"".join(field(1, name) for name in reads) + b"".join(field(2, name) for name in makes))


MODEL = field(2, b"maker") + field(
    7,
    node([b"x"], [b"a"]) + node([b"a", b"w"], [b"b"]) + node([b"b", b"v"], [b"c"])
    + field(5, field(8, b"w")) + field(5, field(8, b"v")) + field(11, field(1, b"x")) + field(12, field(1, b"c")),
)  # fmt: skip


def graph(model):
    (body,) = [payload for number, _, payload in fields(model) if number == 7]
    return list(fields(body))


def test_keeps_the_nodes_and_weights_between_and_nothing_else():
    kept = graph(cut(MODEL, {"a": ("n", 4)}, "b"))
    assert [payload for number, _, payload in kept if number == 1] == [node([b"a", b"w"], [b"b"])[2:]]
    assert [payload for number, _, payload in kept if number == 5] == [field(8, b"w")]
    assert [next(fields(payload))[2] for number, _, payload in kept if number in (11, 12)] == [b"a", b"b"]


def test_everything_but_the_graph_stays():
    assert next(fields(cut(MODEL, {"x": (1,)}, "c"))) == (2, 2, b"maker")


def test_an_output_that_is_not_made_is_an_error():
    with pytest.raises(KeyError):
        cut(MODEL, {"x": (1,)}, "z")
