"""Which addresses are the same document, and which host answers for it."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

_PORTS = {"http": 80, "https": 443}
_PUBMED = re.compile(
    r"(?:(?:www\.|m\.)?ncbi\.nlm\.nih\.gov/(?:m/)?pubmed|pubmed\.ncbi\.nlm\.nih\.gov)/0*([1-9][0-9]{0,9})"
)
PUBMED = "pubmed/"


def key_of(url: str) -> str | None:
    """What is the same for all addresses of a document; None if `url` is no address on the web.

    It is `pubmed/<id>` for PubMed, else host, path and query: scheme, fragment, a closing slash and upper
    case in the host's name make no difference (RFC 3986, section 6.2, and what sites do).
    """
    parts = _split(url)
    if parts is None:
        return None
    key = f"{_host(parts)}{parts.path.rstrip('/')}"
    if found := _PUBMED.fullmatch(key):
        return f"{PUBMED}{found[1]}"
    return f"{key}?{parts.query}" if parts.query else key


def pubmed_id(key: str) -> str | None:
    """PubMed's number of a document (digits), None for documents from elsewhere."""
    return key.removeprefix(PUBMED) if key.startswith(PUBMED) else None


def host_of(address: str) -> str:
    """Name of the host that an address asks, with the port if it is not the scheme's usual one.

    Raises:
        ValueError: it is no address on the web.
    """
    parts = _split(address)
    if parts is None:
        raise ValueError(f"no address on the web: {address!r}")
    return _host(parts)


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url.strip())
        # The port is only checked when it is asked for.
        known = parts.scheme in _PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if known and not re.search(r"\s", parts.netloc) else None


def _host(parts: SplitResult) -> str:
    name = str(parts.hostname).rstrip(".")
    return name if parts.port in (None, _PORTS[parts.scheme]) else f"{name}:{parts.port}"
