"""The pages for the bridge's tests: a chat built with the SDK, Kapa's widget, and a page with neither."""

from __future__ import annotations

from typing import Any

from flask import Flask, Request, Response, make_response, render_template_string, request

CONTENT_SECURITY_POLICY = "default-src 'self'; connect-src 'self' https://proxy.kapa.ai"
WITH_THE_WIDGET = f"{CONTENT_SECURITY_POLICY}; script-src 'self' https://widget.kapa.ai"

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><title>Chat</title>
{%- for part in parts %}
{%- if part in ("takeover", "button") %}
{{ kapa_handoff_script(bridge=part) }}
{%- elif part == "sales" %}
{{ kapa_handoff_script(bridge="takeover", desk="sales") }}
{%- elif part == "script" %}
{{ kapa_handoff_script() }}
{%- elif part == "widget" %}
<script id="kapa-recaptcha-script" src="/captcha.js"></script>
{{ kapa_widget("a-website-id", project_name="Acme") }}
{%- elif part == "bare-widget" %}
<script id="kapa-recaptcha-script" src="/captcha.js"></script>
<script async src="https://widget.kapa.ai/kapa-widget.bundle.js" data-website-id="a-website-id"></script>
{%- elif part == "chat" %}
<script id="kapa-recaptcha-script" src="/captcha.js"></script>
<script defer src="/chat.js"></script>
{%- else %}
<script defer src="/{{ part }}.js"></script>
{%- endif %}
{%- endfor %}
</head>
<body>{{ request.args.markup | safe }}{% if "chat" in parts %}<div id="chat"></div>{% endif %}</body>
</html>"""

CAPTCHA = """
window.grecaptcha = { enterprise: { ready: (then) => then(), execute: async () => "a-captcha-token" } };
"""

COUNTER = """
// Another script that has its own idea of fetch, as those that watch a page's speed have.
(() => {
  const inner = window.fetch;
  window.counted ||= [];
  window.fetch = function (...given) {
    counted.push(String(given[0]?.url || given[0]));
    return inner.apply(this, given);
  };
})();
"""

EARLY = """
// What a page does before Kapa's bundle is there.
window.early = [];
for (const name of ["Open", "Submit", "Cancel"])
  Kapa("onAskAIHandoff" + name, (detail) => early.push([name, detail]), "add");
"""

REMOVED = """
// A handler that a page thinks better of.
window.removed = [];
window.handler = () => removed.push("called");
Kapa("onAskAIHandoffSubmit", handler, "add");
Kapa("onAskAIHandoffSubmit", handler, "remove");
"""


def add_pages(app: Flask, chat_script: bytes) -> Flask:
    """``/?part=takeover&part=chat``: a page whose head loads these parts in this order."""
    scripts: dict[str, str | bytes] = {
        "captcha": CAPTCHA,
        "counter": COUNTER,
        "early": EARLY,
        "removed": REMOVED,
        "chat": chat_script,
    }

    @app.get("/")
    def page() -> Any:
        parts = request.args.getlist("part")
        response = make_response(render_template_string(PAGE, parts=parts))
        has_widget = not {"widget", "bare-widget"}.isdisjoint(parts)
        policy = WITH_THE_WIDGET if has_widget else CONTENT_SECURITY_POLICY
        response.headers["Content-Security-Policy"] = policy
        return response

    @app.get("/<name>.js")
    def script(name: str) -> Response:
        return Response(scripts[name], mimetype="text/javascript")

    def echo(rest: str = "") -> Any:
        sent = [request.method, request.full_path, request.get_data(as_text=True), sorted(_told(request))]
        app.extensions.setdefault("echoed", []).append(sent)
        return sent

    for rule in ("/echo", "/echo/<path:rest>"):
        app.add_url_rule(rule, rule, echo, methods=["GET", "POST", "PUT", "DELETE"])
    app.add_url_rule("/favicon.ico", "icon", lambda: ("", 204))
    return app


def _told(sent: Request) -> list[tuple[str, str]]:
    """The headers, without the address of the page, which names the page's parts."""
    return [(name, value) for name, value in sent.headers.items() if name != "Referer"]
