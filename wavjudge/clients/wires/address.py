"""Where a server of OpenAI's protocol is: its URL, what each of its URLs must carry, and the header of the key.

    https://NAME.openai.azure.com/openai/deployments/DEPLOYMENT?api-version=2025-04-01-preview      Azure

Azure wants its version in the query of every call and the key in a header of its own; both are seen from the address.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qsl, urlsplit, urlunsplit

from wavjudge.errors import SpecError

Auth = Literal["bearer", "api-key"]
"""The header that holds the key: `Authorization: Bearer KEY`, or `api-key: KEY`."""

_METHODS = ("/chat/completions", "/audio/speech", "/audio/transcriptions")
_AZURE = re.compile(r"(?:.+\.)?azure(?:-api)?\.(?:com|net|us|cn)")
_SECRET = re.compile(r"(?:.*[_-])?(?:key|token|secret|sig|signature|code|password)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Address:
    """url: None for the SDK's own default. query: what every call carries."""

    url: str | None
    query: Mapping[str, str]
    auth: Auth


def read_address(base_url: str | None, auth: Auth | None = None) -> Address:
    """The address that a base URL means; auth: None to see it from the address. Raises `SpecError`.

    >>> read_address("https://n.openai.azure.com/openai/deployments/d?api-version=2025-04-01")
    Address(url='https://n.openai.azure.com/openai/deployments/d', query={'api-version': '2025-04-01'}, auth='api-key')
    >>> read_address("http://127.0.0.1:8000/v1").auth
    'bearer'
    """
    if base_url is None:
        return Address(None, {}, auth or "bearer")
    parts = urlsplit(base_url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    url = urlunsplit(parts._replace(query="", fragment=""))
    if url.rstrip("/").endswith(_METHODS):
        raise SpecError(f"got base_url {url!r}, which names a method", todo="let it end with /v1, or the deployment")
    if secret := next(filter(_SECRET.fullmatch, query), None):
        raise SpecError(f"got a base_url whose query holds {secret!r}, which looks like a secret",
                        todo="put the key into an environment variable and name it: api_key_env=NAME")  # fmt: skip
    is_azure = "api-version" in query or _AZURE.fullmatch(parts.hostname or "") is not None
    return Address(url, query, auth or ("api-key" if is_azure else "bearer"))
