"""Writes links that show where they lead. Their text and addresses come from visitors and models."""

from __future__ import annotations

import html
import re
import unicodedata
from urllib.parse import unquote

from markupsafe import Markup, escape

from .text import visible
from .urls import host_of

_LINK = '<a href="%s" rel="noopener noreferrer nofollow">%s</a>'

# A link as nh3 writes it. Links cannot be nested, so the next closing tag is this link's.
_NH3_LINK = re.compile(r'<a href="([^"]*)" rel="noopener noreferrer nofollow">(.*?)</a>', re.DOTALL)
_TAG = re.compile(r"<[^>]*>")

_MAILBOX = re.compile(r"mailto:([^\s?,;:%/\\@]{1,64}@[^\s?,;:%/\\@]{1,254})\Z", re.IGNORECASE)
_ADDRESS = re.compile(r"(https?://|mailto:)?([^/?#]*)(.*)", re.IGNORECASE | re.DOTALL)
_HOST_PART = re.compile(r"https?://([^/?#]*)", re.IGNORECASE)
_LABEL = "[a-z0-9_-]{1,63}"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*\.?|\[[0-9a-f:.]+\])(?::[0-9]*)?\Z")
_COMMON_ADDRESS = re.compile(
    rf"https?://({_LABEL}(?:\.{_LABEL})*)(?:[/?#][!-\[\]-~]*)?\Z"
)  # most addresses: no need to parse
_LONGEST_HOST, _LONGEST_LABEL = 253, 63  # RFC 1035, 2.3.4

MAX_FOREIGN_HOSTS = 100
"""The most hosts in non-ASCII letters that one page or mail shows: each takes up to a millisecond."""

_LONGEST_FOREIGN_HOST = 150  # with percent signs; twice as long as the longest known name


class Links:
    """The links of one page or mail. Beyond :data:`MAX_FOREIGN_HOSTS`, non-ASCII addresses are plain text."""

    def __init__(self) -> None:
        self._foreign: dict[str, str | None] = {}

    def link(self, address: str, words: str = "") -> Markup:
        """A link, followed by its host if its text is not its own address; plain text if it must not be a link.

        Arguments:
            address: becomes a link only if :func:`.urls.parse_url` accepts it.
            words: the link's text; if empty, its address.
        """
        address, words = visible(address), visible(words)
        said = words or address
        return Markup(self._link_html(str(escape(address)), str(escape(said)), address, said))  # noqa: S704 - escaped

    def plain_address(self, address: str) -> str:
        """An address as text, followed by its host if that has letters that can be mistaken for others."""
        if address.isascii() and "%" not in address:
            return address
        target, is_plain = self._target(address)
        return address if target is None or is_plain else f"{address} → {target}"

    def with_hosts(self, markup: str) -> str:
        """Cleaned HTML whose links show their hosts, as :meth:`link` does; ``mailto:`` shows the mailbox."""

        def rewritten(match: re.Match[str]) -> str:
            # Earlier versions of nh3 leave these in an address, where a later step would take them for tags.
            href = match[1].replace("<", "&lt;").replace(">", "&gt;")
            return self._link_html(href, match[2], html.unescape(href), html.unescape(_TAG.sub("", match[2])))

        return _NH3_LINK.sub(rewritten, markup)

    def _link_html(self, href: str, inner: str, address: str, words: str) -> str:
        """The link as HTML.

        Arguments:
            href, inner: escaped for HTML.
            address, words: the same, as people read them.
        """
        target, is_plain = self._target(address)
        says_its_address = words == address or _shows(words, address)
        if target is None:
            return inner if says_its_address else f"{inner} ({escape(address)})"
        written = _LINK % (href, inner)
        return written if says_its_address and is_plain else f"{written} <bdi>→ {escape(target)}</bdi>"

    def _target(self, address: str) -> tuple[str | None, bool]:
        """Where an address leads, in ASCII, and whether the address shows that itself; None: it must not be a link."""
        if (usual := _COMMON_ADDRESS.match(address)) and len(usual[1]) <= _LONGEST_HOST:
            return usual[1], True
        if address.isascii() and (mailbox := _MAILBOX.match(address)):
            return mailbox[1], True
        written = _HOST_PART.match(address)
        if written is None:
            return None, False
        is_plain = written[1].isascii() and "%" not in written[1]
        shown = host_of(address) if is_plain else self._in_ascii(written[1])
        return (shown if shown and len(shown) <= _LONGEST_HOST and _HOST.match(shown) else None), is_plain

    def _in_ascii(self, host: str) -> str | None:
        """A host in its DNS form; None: it has none, or there are too many hosts."""
        # Counted first, since parsing a host takes time, too.
        if host not in self._foreign and len(self._foreign) < MAX_FOREIGN_HOSTS and len(host) <= _LONGEST_FOREIGN_HOST:
            self._foreign[host] = None if host_of(f"http://{host}") is None else _in_ascii(host)
        return self._foreign.get(host)


def _shows(words: str, address: str) -> bool:
    """Whether the text is the address in another spelling: without its scheme, or with its path percent-encoded."""
    said, meant = _ADDRESS.match(words.strip()), _ADDRESS.match(address)
    if said is None or meant is None:
        return False
    # The host is compared as written: people and browsers read percent-encoded characters in it differently.
    return (
        (said[1] or meant[1] or "").lower() == (meant[1] or "").lower()
        and said[2].lower() == meant[2].lower()
        and unquote(said[3]).rstrip("/") == unquote(meant[3]).rstrip("/")
    )


def _in_ascii(host: str) -> str | None:
    """A host in its DNS form (RFC 3492), in which no letter looks like one of another script.

    Returns:
        None: it is not a valid name, or browsers read it as another one, since they ignore invisible characters.
    """
    name, colon, port = host.partition(":")
    name = unquote(name)
    labels = re.split("[.。]", unicodedata.normalize("NFKC", name).lower())
    if visible(name) != name or any(len(label) > _LONGEST_LABEL for label in labels):
        return None  # and converting a name to ASCII takes time that grows with the square of its length
    coded = (label if label.isascii() else f"xn--{label.encode('punycode').decode()}" for label in labels)
    return ".".join(coded) + colon + port
