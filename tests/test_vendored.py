"""Third-party browser code: which version, under which licence; and that nothing is loaded from elsewhere."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent
VENDOR = CHECKOUT / "flask_kapa_handoff" / "static" / "vendor"

HTMX_VERSION = "2.0.11"
# `dist/htmx.min.js` of the npm package htmx.org 2.0.11.
HTMX_SHA256 = "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717"

# Kapa's widget is the product that this package serves; example.com is reserved (RFC 2606).
KNOWN_HOSTS = re.compile(
    r"(?:[\w-]+\.)*example\.(?:com|org|net)|(?:[\w-]+\.)?kapa\.ai|localhost|127\.0\.0\.1|www\.w3\.org"
)


def test_htmx_is_the_version_that_the_readme_of_the_vendor_folder_names() -> None:
    """The vendored htmx is byte for byte the npm package's file of that version."""
    script = (VENDOR / "htmx.min.js").read_bytes()
    assert hashlib.sha256(script).hexdigest() == HTMX_SHA256
    assert f'version:"{HTMX_VERSION}"'.encode() in script
    assert HTMX_VERSION in (VENDOR / "README.md").read_text()


def test_htmx_comes_with_its_licence() -> None:
    """The vendored file's licence is beside it."""
    licence = (VENDOR / "htmx.LICENSE.txt").read_text()
    assert licence.startswith("Zero-Clause BSD")


def test_every_vendored_file_is_known() -> None:
    """Nothing lies in the vendor folder that this test does not know."""
    assert {path.name for path in VENDOR.iterdir()} == {"htmx.min.js", "htmx.LICENSE.txt", "README.md"}


def test_templates_styles_and_scripts_name_no_other_host() -> None:
    """No page, mail or script of the package or the example loads from, or points at, somebody else's server."""
    found: dict[str, set[str]] = {}
    roots = [CHECKOUT / name for name in ("templates", "flask_kapa_handoff", "frontend", "example_app")]
    for path in (path for root in roots for path in root.rglob("*")):
        if path.suffix not in {".html", ".css", ".js", ".jsx", ".ts", ".txt", ".md", ".py"} or "vendor" in path.parts:
            continue
        for host in re.findall(r"(?:https?:)?//([\w.-]+\.[a-z]{2,}|localhost|\d+\.\d+\.\d+\.\d+)", path.read_text()):
            if not KNOWN_HOSTS.fullmatch(host):
                found.setdefault(str(path.relative_to(CHECKOUT)), set()).add(host)
    assert found == {}
