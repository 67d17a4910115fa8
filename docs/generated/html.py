"""What Sphinx writes and assistive technology cannot read."""

from __future__ import annotations

import re

_SIGNATURE = re.compile(r'(<span class="sig-paren">\(</span>\s*)<dl>(.*?)</dl>', re.DOTALL)


def readable(body: str) -> str:
    """A page's content, in which the lines of a signature are no list of definitions, and no heading is empty."""
    body = _SIGNATURE.sub(lambda found: f'{found[1]}<span class="sig-lines">{_as_lines(found[2])}</span>', body)
    return body.replace('<th class="head"><p></p></th>', '<td class="head"></td>')


def _as_lines(items: str) -> str:
    return items.replace("<dd>", "<span>").replace("</dd>", "</span>")
