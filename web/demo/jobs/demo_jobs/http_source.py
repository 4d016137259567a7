"""Fetch JSON over HTTP: with the browser's `fetch` in Pyodide, with `urllib` on a thread elsewhere.

What went wrong is one of two errors: one that may pass by itself, and one that will not.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urljoin, urlsplit

#: Bytes of one answer; a page is read as a whole.
LARGEST: Final = 50 * 1024 * 1024
#: Seconds; a server that asks for more is asked again then all the same.
LONGEST_PAUSE: Final = 24 * 60 * 60

_IN_BROWSER: Final = sys.platform == "emscripten"
_CHUNK: Final = 64 * 1024
#: Statuses below 500 that say "not now": timed out, too early, too many.
_NOT_NOW: Final = frozenset({408, 425, 429})
_HEADERS: Final = {"Accept": "application/json"}
_SAFE: Final = "%/:?#[]@!$&'()*+,;=~"
_NEXT_LINK: Final = re.compile(r"<([^<>]*)>[^,<]*;\s*rel=\"?[^\",]*\bnext\b", re.IGNORECASE)


class Transient(Exception):
    """The source could not answer just now; *retry_after* is how many seconds it asked for."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Permanent(Exception):
    """The source will not answer this; *status* is None when it has answered, but with no JSON."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a source answered."""

    value: Any
    #: The address of the next page, if the headers name one.
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Response:
    """An answer as it came; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


async def fetch_json(url: str, timeout: float) -> Answer:
    """Fetch JSON from *url* within *timeout* seconds; raise Transient or Permanent."""
    if urlsplit(url).scheme not in {"http", "https"}:
        raise Permanent(f"{url!r} is no address that begins with http:// or https://")
    response = await (_fetch(url, timeout) if _IN_BROWSER else _open_on_thread(url, timeout))
    _check_status(response)
    link = _NEXT_LINK.search(response.headers.get("link", ""))
    return Answer(value=_parsed(response.body), next=link and urljoin(url, link[1]))


async def _fetch(url: str, timeout: float) -> _Response:
    # Both modules exist inside Pyodide only.
    from js import AbortSignal  # noqa: PLC0415
    from pyodide.http import pyfetch  # noqa: PLC0415

    try:
        signal = AbortSignal.timeout(math.ceil(timeout * 1000))
        answer = await pyfetch(url, signal=signal, headers=_HEADERS, cache="no-store")
        body = await answer.bytes()
    except Exception as error:
        # The browser does not tell one reason from another, so that pages cannot spy.
        said = f" ({error})" if isinstance(error, OSError) else ""
        raise Transient(
            "the source cannot be reached: there is no network, it took longer than "
            f"{timeout:g} s, or it does not let this page read it (CORS){said}"
        ) from error
    _check_size(len(body))
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return _Response(status=answer.status, headers=headers, body=body)


async def _open_on_thread(url: str, timeout: float) -> _Response:
    return await asyncio.to_thread(_open, url, timeout)


def _open(url: str, timeout: float) -> _Response:
    # Loaded here: a browser has no use for them, and would pay for them at each boot.
    import http.client  # noqa: PLC0415
    import urllib.error  # noqa: PLC0415
    import urllib.request  # noqa: PLC0415

    # The browser does this by itself; what is encoded already stays as it is.
    address = quote(url, safe=_SAFE)
    request = urllib.request.Request(address, headers={**_HEADERS, "User-Agent": "durably-demo"})  # noqa: S310 - fetch_json looks at the scheme
    deadline = time.monotonic() + timeout
    try:
        try:
            answer = urllib.request.urlopen(request, timeout=timeout)  # noqa: S310
        except urllib.error.HTTPError as error:
            answer = error  # an answer like others
        with answer:
            headers = {name.lower(): value for name, value in answer.headers.items()}
            return _Response(
                status=int(answer.status), headers=headers, body=_body(answer, deadline)
            )
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        what = type(reason).__name__ if not str(reason) else reason
        raise Transient(f"the source cannot be reached or stopped answering ({what})") from error
    except ValueError as error:  # an address that no request can be made of
        raise Permanent(f"{url!r} is no address: {error}") from error


def _body(answer: Any, deadline: float) -> bytes:
    """Read an answer to its end; a source that sends a byte now and then is too slow, too."""
    parts: list[bytes] = []
    size = 0
    while part := answer.read1(_CHUNK):
        parts.append(part)
        size += len(part)
        _check_size(size)
        if time.monotonic() > deadline:
            raise TimeoutError("timed out")
    if getattr(answer, "length", None):  # read1() does not say that bytes are missing
        raise ConnectionError("the answer was cut off")
    return b"".join(parts)


def _check_status(response: _Response) -> None:
    status = response.status
    if status < 400:
        return
    try:
        said = f"{status} ({HTTPStatus(status).phrase})"
    except ValueError:
        said = str(status)
    if status >= 500 or status in _NOT_NOW:
        raise Transient(f"the source answered {said}", _pause(response.headers.get("retry-after")))
    raise Permanent(f"the source answered {said}", status)


def _check_size(size: int) -> None:
    if size > LARGEST:
        raise Permanent(f"the source answered more than {LARGEST:,} bytes; ask for smaller pages")


def _pause(header: str | None) -> float | None:
    """Return how many seconds Retry-After names, as a number or as a date."""
    if header is None:
        return None
    if header.strip().isascii() and header.strip().isdigit():
        return min(float(header), LONGEST_PAUSE)
    # Loaded here: dates are rare, and the module is large.
    from email.utils import parsedate_to_datetime  # noqa: PLC0415

    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - datetime.now(UTC)).total_seconds(), 0.0), LONGEST_PAUSE)


def _parsed(body: bytes) -> Any:
    text = body.decode("utf-8-sig", "replace").strip()
    try:
        return json.loads(text)
    except ValueError as error:
        if text.startswith(("[", "{")) and not text.endswith(("]", "}")):
            raise Transient("the answer of the source was cut off") from error
        raise Permanent(f"the source did not answer with JSON ({error})") from error
    except RecursionError as error:
        raise Permanent("the source answered with JSON that is nested too deeply") from error
