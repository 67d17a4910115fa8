"""Tokens that their issuer's prefix gives away, whatever surrounds them.

The prefixes, lengths and alphabets are published facts. Most were collected from the rules of gitleaks
(MIT License, Copyright (c) 2019 Zachary Rice), the others from the issuers' own
documents. The table and everything that reads it are our own.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from .spans import MAX_EFFORT, Span, Subject
from .values import is_placeholder

_ALPHABETS = {
    "w": "[A-Za-z0-9]",
    "u": "[A-Za-z0-9_-]",
    "l": "[a-z0-9]",
    "c": "[A-Z0-9]",
    "h": "[a-fA-F0-9]",
    "d": "[0-9]",
    "b": "[A-Za-z0-9+/]",
    "v": "[A-Za-z0-9_.=-]",
}
_LONGEST = 4000

# Issuer, prefixes, and what follows them: an alphabet with a number ("w36": 36 letters and digits; "w36+": or more) or
# fixed text. "!" asks for small letters, capitals and digits: the prefix alone says too little.
_TABLE = """
1Password secret key     | A3-             | c6 - c5+
1Password token          | ops_eyJ         | b40+
Adafruit key             | aio_            | w28
Adobe secret             | p8e-            | l32
Age key                  | AGE-SECRET-KEY-1 | c50+
Airtable token           | pat             | w14 . h64
Alibaba Cloud key        | LTAI            | w12+ !
Amazon MWS token         | amzn.mws.       | h8 - u20+
Anthropic key            | sk-ant-         | u20+
API key                  | sk-             | w20+
API key                  | sk-proj- sk-svcacct- sk-admin- sk-None- sk-or-v1- sk-lf- sk-live- | u16+
Artifactory key          | AKCp            | w60+
Artifactory token        | cmVmd           | w59
Atlassian token          | ATATT3 ATCTT3   | u20+
Authress key             | sc_ ext_ scauth_ authress_ | l5+ . l4+ .acc u10+
AWS key                  | AKIA ASIA ABIA ACCA | c16
AWS Bedrock key          | ABSK            | b100+
AWS Bedrock key          | bedrock-api-key- | b20+
Bitbucket token          | ATBB            | w32+
Buildkite token          | bkua_           | l40
CircleCI token           | CCIPAT_         | w22 _ l40
ClickHouse key           | 4b1d            | w38
Clojars token            | CLOJARS_        | l60
Cloudflare key           | v1.0-           | h24 - h100+
Cargo token              | cio             | w32 !
Databricks token         | dapi            | h32
Defined Networking token | dnkey-          | u20+
DigitalOcean token       | dop_v1_ doo_v1_ dor_v1_ | h64
Discord token            | MT Mj Mz ND NT Nj Nz OD OT | w20+ . u6 . u27+
Docker token             | dckr_pat_ dckr_oat_ | u20+
Doppler token            | dp.pt.          | l43
Dropbox token            | sl.             | u100+
Duffel token             | duffel_test_ duffel_live_ | v43
Dynatrace token          | dt0c01.         | w24 . w64
EasyPost key             | EZAK EZTK       | w54
Facebook token           | EAA             | w60+
Figma token              | figd_           | u20+
Flutterwave key          | FLWSECK-        | l32 -X
Flutterwave key          | FLWSECK_TEST-   | l12+
Fly.io token             | fo1_            | u43
Fly.io token             | fm1a_ fm1r_ fm2_ | b60+
Frame.io token           | fio-u-          | v64
GitHub token             | ghp_ gho_ ghu_ ghs_ ghr_ | w36+
GitHub token             | github_pat_     | u22+
GitLab token             | glpat- gldt- glrt- glrtr- glft- glsoat- glffct- glagent- gloas- glimt- glptt- glcbt- | v20+
GitLab token             | GR1348941       | u20+
GoCardless token         | live_           | u40 !
Google key               | AIza            | u35
Google secret            | GOCSPX-         | u20+
Google token             | ya29.           | v20+
Grafana token            | glc_            | b32+
Grafana token            | glsa_           | w32 _ h8
Groq key                 | gsk_            | w40+
Harness token            | pat. sat.       | u22 . w24 . w20
Heroku key               | HRKU-           | u36+
Hugging Face token       | hf_ api_org_    | w30+
HubSpot token            | pat-na1- pat-eu1- | h8 - u20+
Infracost token          | ico-            | w32 !
Intra42 secret           | s-s4t2ud- s-s4t2af- | h64
JWT                      | eyJ             | u8+ .eyJ u8+ . u8+
JWT                      | eyJ             | u8+ . u0+ . u8+ . u8+ . u8+
LangSmith key            | lsv2_pt_ lsv2_sk_ | h32 _ h10
LaunchDarkly key         | api- sdk- mob-  | h8 - h4 - h4 - h4 - h12
Linear key               | lin_api_ | w32+
Lob key                  | live_           | h35
Mailgun key              | key-            | h32
Mapbox token             | sk.eyJ          | u20+ . u16+
MessageBird key          | live_           | w25 !
Netlify token            | nfp_            | u36
New Relic key            | NRAK-           | c27
Notion token             | secret_         | w43 !
Notion token             | ntn_            | w40+
npm token                | npm_            | w36+
NuGet key                | oy2             | l43
NVIDIA key               | nvapi-          | u40+
Octopus Deploy key       | API-            | c25+
Perplexity key           | pplx-           | w40+
PlanetScale token        | pscale_tkn_ pscale_oauth_ pscale_pw_ | v32+
Postman key              | PMAK-           | h24 - h34
PostHog key              | phx_            | u40+
Prefect token            | pnu_            | w36
Pulumi token             | pul-            | h40
PyPI token               | pypi-           | u50+
Razorpay key             | rzp_live_ rzp_test_ | w14
ReadMe token             | rdme_           | l70
Replicate token          | r8_             | u37
RubyGems key             | rubygems_       | h48
Scalingo token           | tk-us-          | u48
SendGrid key             | SG.             | u16+ . u16+
Sendinblue key           | xkeysib- xsmtpsib- | h64 - w16
Sentry token             | sntrys_eyJ      | b20+
Sentry token             | sntryu_ | h64
SettleMint token         | sm_aat_ sm_pat_ sm_sat_ | w16
Shippo token             | shippo_live_ shippo_test_ | h40
Shopify token            | shpat_ shpca_ shppa_ shpss_ | h32
Slack token              | xoxb- xoxa- xoxp- xoxr- xoxs- xoxo- xoxc- xoxd- xoxe- xapp- | u10+
Slack token              | xoxe.xoxb- xoxe.xoxp- | u20+
SonarQube token          | sqp_ sqa_ squ_  | h40
Sourcegraph token        | sgp_            | h40
Sourcegraph token        | sgp_            | w5+ _ h40
Square token             | sq0atp- sq0csp- | u22+
Square token             | EAAA            | u60
Stripe key               | sk_live_ sk_test_ rk_live_ rk_test_ sk_prod_ rk_prod_ | w16+
Supabase key             | sbp_            | l40
Supabase key             | sb_secret_      | u20+
Tailscale key            | tskey-          | u20+
Telegram bot token       | AA              | u33
Twilio key               | SK              | h32
Typeform token           | tfp_            | u40+
Vault token              | hvs. hvb.       | u24+
xAI key                  | xai-            | u60+
Yandex key               | AQVN            | u35+
Yandex token             | t1.9eu          | v50+
"""
# Fixed text before the prefix, where the prefix alone says too little.
_BEFORE = {"AA": r"(?<=[0-9]:)"}
# A run of token characters may begin with the end of an escape (``\\nghp_…``, ``%20ghp_…``), or with punctuation.
_LEADING = re.compile(r"(?:(?<=\\)[nrt]|(?<=%)[0-9A-Fa-f]{2})?[._-]*")
_SHAPE = bytes(0x78 if re.match(r"[A-Za-z0-9_.-]", chr(code)) else 0x20 for code in range(256))
_LONG = b"x" * 18
_EFFORT = 8
_PART = re.compile(r"([a-z])(\d+)(\+?)")


class _Row(NamedTuple):
    label: str
    pattern: re.Pattern[str]
    is_mixed: bool


def _expression(body: str) -> str:
    parts = []
    for item in body.split():
        counted = _PART.fullmatch(item)
        if counted is None:
            parts.append(re.escape(item))
        else:
            alphabet, count, more = counted.groups()
            parts.append(_ALPHABETS[alphabet] + (f"{{{count},{_LONGEST}}}" if more else f"{{{count}}}"))
    return "".join(parts)


def _rows() -> Iterator[tuple[str, _Row]]:
    for line in _TABLE.strip().splitlines():
        label, prefixes, body = (part.strip() for part in line.split("|"))
        expression = _expression(body.removesuffix("!"))
        for prefix in prefixes.split():
            pattern = re.compile(f"{_BEFORE.get(prefix, '')}{re.escape(prefix)}{expression}(?![A-Za-z0-9])={{0,2}}")
            yield prefix, _Row(label, pattern, body.endswith("!"))


PREFIXES: list[str] = []
"""With what the tokens begin."""

_INDEX: dict[str, list[_Row]] = defaultdict(list)
for _prefix, _row in _rows():
    PREFIXES.append(_prefix)
    _INDEX[_prefix[:2]].append(_row)
# Without a prefix, but with a mark of the issuer's later on.
_MARKED = (
    _Row("Mailchimp key", re.compile(r"[0-9a-f]{32}-us\d{1,2}(?![\w-])"), False),
    _Row("Terraform token", re.compile(r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{50,200}"), False),
)
_MARKED_LENGTHS = frozenset({36, 37, *range(73, 224)})


def find_tokens(subject: Subject) -> Iterator[Span]:
    """The tokens with a known prefix, from left to right."""
    text, shape = subject.text, subject.data.translate(_SHAPE)
    begin = end = 0
    while (found := shape.find(_LONG, end)) >= 0 and subject.effort < MAX_EFFORT:
        begin, end = found, shape.find(b" ", found)
        end = len(shape) if end < 0 else end
        if text[begin] in "._-" or text[begin - 1] in "\\%":
            lead = _LEADING.match(text, begin)
            begin = lead.end() if lead else begin
        for row in _INDEX.get(text[begin : begin + 2], _MARKED if end - begin in _MARKED_LENGTHS else ()):
            subject.effort += _EFFORT
            match = row.pattern.match(text, begin)
            if match and not is_placeholder(match[0]) and (not row.is_mixed or _is_mixed(match[0])):
                yield Span(begin, match.end(), row.label)
                end = max(end, match.end())
                break


def _is_mixed(token: str) -> bool:
    return any(c.isdigit() for c in token) and any(c.islower() for c in token) and any(c.isupper() for c in token)
