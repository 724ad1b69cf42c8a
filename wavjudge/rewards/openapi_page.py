"""The reward server described for people: its OpenAPI document as plain HTML, nothing loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

Schema = Mapping[str, Any]
_STYLE = (
    "body{font:16px/1.5 sans-serif;max-width:50em;margin:2em auto;padding:0 1em}"
    "td,th{text-align:left;vertical-align:top;padding:.1em 1.2em .1em 0}"
)


def page(shown: Schema) -> str:
    """The page of an OpenAPI document: what each route takes, gives and refuses, then the fields of each body."""
    info, bodies = shown["info"], shown["components"]["schemas"]
    routes = "".join(
        _route(method, path, operation) for path, methods in shown["paths"].items()
        for method, operation in methods.items()
    )  # fmt: skip
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(info['title'])}</title>"
        f"<style>{_STYLE}</style><h1>{escape(info['title'])} {escape(info['version'])}</h1>"
        f"<p>{escape(info['description'])} For machines: <a href=/openapi.json>openapi.json</a>.</p>"
        f"{routes}<h2>Bodies</h2>{''.join(_body(name, bodies[name]) for name in sorted(bodies))}</html>"
    )


def _route(method: str, path: str, operation: Schema) -> str:
    replies = dict(operation["responses"])
    asked = f"takes {_of(operation['requestBody'])}, " if "requestBody" in operation else ""
    good = replies.pop("200")
    errors = "".join(
        f"<tr><td>{escape(code)}<td>{escape(one['description'])}<td>{_of(one)}" for code, one in replies.items()
    )
    return (
        f"<h2><code>{escape(method.upper())} {escape(path)}</code></h2>"
        f"<p>{escape(operation['summary'])}: {asked}gives {_of(good)}.</p><table>{errors}</table>"
    )


def _of(holder: Schema) -> str:
    return _type(holder["content"]["application/json"]["schema"])


def _body(name: str, schema: Schema) -> str:
    needed = schema.get("required", ())
    rows = "".join(
        f"<tr><td><code>{escape(field)}</code><td>{_type(one)}<td>{'needed' if field in needed else ''}"
        f"<td>{escape(one.get('description', ''))}"
        for field, one in schema.get("properties", {}).items()
    )
    return (
        f"<h3 id={escape(name)}>{escape(name)}</h3><p>{escape(schema.get('description', ''))}</p><table>{rows}</table>"
    )


def _type(schema: Schema) -> str:
    """What may stand there, in words; another body as a link to it."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f"<a href=#{name}>{name}</a>"
    if "anyOf" in schema:
        return " or ".join(map(_type, schema["anyOf"]))
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    if isinstance(schema.get("additionalProperties"), Mapping):
        return f"object of {_type(schema['additionalProperties'])}"
    return escape(str(schema.get("type", "anything")))
