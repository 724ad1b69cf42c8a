"""Cut a piece out of an ONNX graph without the onnx package.

An ONNX file is a protobuf message (https://onnx.ai/onnx/repo-docs/IR.html): ModelProto.graph is field 7;
GraphProto has nodes (1), a name (2), initialisers (5), inputs (11) and outputs (12); NodeProto has inputs (1) and
outputs (2). Keeping the bytes of some nodes and writing new input and output declarations is a complete model again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

Field = tuple[int, int, bytes]
"""Field number, wire type, payload (a varint's payload is kept encoded)."""

_GRAPH, _NODE, _NAME, _INITIALIZER, _INPUT, _OUTPUT = 7, 1, 2, 5, 11, 12
_FLOAT = 1


def cut(model: bytes, inputs: Mapping[str, Sequence[int | str]], output: str) -> bytes:
    """The model that computes tensor `output` from the float tensors `inputs` (name -> shape; names are free sizes).

    Nodes keep their order, which is topological by the ONNX standard. Raises KeyError when `output` is not reached.
    """
    graph = next(payload for number, _, payload in fields(model) if number == _GRAPH)
    parts = list(fields(graph))
    nodes, tensors = _needed([payload for number, _, payload in parts if number == _NODE], set(inputs), output)
    kept = [(_NODE, 2, node) for node in nodes]
    kept += [part for part in parts if part[0] == _INITIALIZER and _tensor_name(part[2]) in tensors]
    kept += [(_NAME, 2, b"cut"), *((_INPUT, 2, _declared(name, shape)) for name, shape in inputs.items())]
    kept.append((_OUTPUT, 2, _declared(output, None)))
    return b"".join(
        _encoded(number, wire, _message(kept) if number == _GRAPH else payload)
        for number, wire, payload in fields(model)
    )


def fields(message: bytes) -> Iterator[Field]:
    """The fields of a protobuf message, in order.

    >>> list(fields(bytes([8, 150, 1, 18, 2, 104, 105])))
    [(1, 0, b'\\x96\\x01'), (2, 2, b'hi')]
    """
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire, start = key >> 3, key & 7, at
        if wire == 0:
            _, at = _varint(message, at)
        elif wire == 2:
            size, start = _varint(message, at)
            at = start + size
        else:
            at += 8 if wire == 1 else 4
        yield number, wire, message[start:at]


def _needed(nodes: Sequence[bytes], given: set[str], output: str) -> tuple[list[bytes], set[str]]:
    """The nodes between the given tensors and the output, and every tensor they read."""
    wanted, kept = {output}, []
    for node in reversed(nodes):
        names = [(number, payload.decode()) for number, _, payload in fields(node) if number in (1, 2)]
        made = {name for number, name in names if number == 2}
        if made & wanted and not made & given:
            kept.append(node)
            wanted |= {name for number, name in names if number == 1}
    if not kept:
        raise KeyError(output)
    return kept[::-1], wanted


def _tensor_name(tensor: bytes) -> str:
    return next(payload.decode() for number, _, payload in fields(tensor) if number == 8)


def _declared(name: str, shape: Sequence[int | str] | None) -> bytes:
    kind = [(1, 0, bytes([_FLOAT]))]
    if shape is not None:
        sizes = [(1, 0, _number(d)) if isinstance(d, int) else (2, 2, d.encode()) for d in shape]
        kind.append((2, 2, _message([(1, 2, _message([size])) for size in sizes])))
    return _message([(1, 2, name.encode()), (2, 2, _message([(1, 2, _message(kind))]))])


def _message(parts: Sequence[Field]) -> bytes:
    return b"".join(_encoded(*part) for part in parts)


def _encoded(number: int, wire: int, payload: bytes) -> bytes:
    size = _number(len(payload)) if wire == 2 else b""
    return _number(number << 3 | wire) + size + payload


def _number(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
