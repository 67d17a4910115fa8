"""The Content-Security-Policy: nothing but this site's own files, unless Kapa's widget is shown."""

from __future__ import annotations

from flask import Flask, Response

OWN = {
    "default-src": ["'self'"],
    "base-uri": ["'none'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
    "object-src": ["'none'"],
}

# Kapa's widget brings a captcha of another company's with it. Any HTTPS host, then; a site of your own takes the
# shorter list that Kapa's documentation gives: https://docs.kapa.ai/integrations/faq#how-do-i-fix-csp-errors
KAPA = {
    "script-src": ["'self'", "https:"],
    "style-src": ["'self'", "'unsafe-inline'"],
    "connect-src": ["'self'", "https:"],
    "frame-src": ["'self'", "https:"],
    "img-src": ["'self'", "data:", "https:"],
    "font-src": ["'self'", "data:", "https:"],
}


def add_headers(app: Flask, *, kapa: bool) -> None:
    """Send the policy, and what belongs to it, with each response that has no policy yet."""
    directives = OWN | KAPA if kapa else OWN
    policy = "; ".join(f"{name} {' '.join(sources)}" for name, sources in directives.items())

    @app.after_request
    def headers(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", policy)
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        return response
