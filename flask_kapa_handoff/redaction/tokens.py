"""Tokens that their issuer's prefix gives away, whatever surrounds them.

The prefixes, lengths and alphabets are published facts; each row says where they were read. The table and everything
that reads it are our own.
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

SOURCES = {
    "g": "gitleaks, config/gitleaks.toml (MIT License, Copyright (c) 2019 Zachary Rice)",
    "d": "detect-secrets, detect_secrets/plugins (Apache License 2.0, Yelp)",
    "k": "Kingfisher, data/rules (Apache License 2.0, MongoDB)",
    "t": "TruffleHog, pkg/detectors (GNU AGPL 3, Truffle Security): the form alone, none of its code",
    "i": "the issuer: Supabase's guide to API keys; REGISTRATION_RUNNER_TOKEN_PREFIX in GitLab's source (MIT License)",
}
"""Where the rows of the table were read."""

# Issuer, sources, prefixes, and what follows them: an alphabet with a number ("w36": 36 letters and digits; "w36+": or
# more) or fixed text. "!" asks for small letters, capitals and digits: the prefix alone says too little.
TABLE = """
1Password secret key     | g     | A3-             | c6 - c5+
1Password token          | g     | ops_eyJ         | b40+
Adafruit key             | k     | aio_            | w28
Adobe secret             | g     | p8e-            | l32
Age key                  | g     | AGE-SECRET-KEY-1 | c50+
Airtable token           | g     | pat             | w14 . h64
Alibaba Cloud key        | g     | LTAI            | w12+ !
Anthropic key            | g     | sk-ant-         | u20+
API key                  | g     | sk-             | w20+
API key                  | g k t | sk-proj- sk-svcacct- sk-admin- sk-or-v1- sk-lf- | u16+
Artifactory key          | g     | AKCp            | w60+
Artifactory token        | g     | cmVmd           | w59
Atlassian token          | g k   | ATATT3 ATCTT3   | u20+
Authress key             | g     | sc_ ext_ scauth_ authress_ | l5+ . l4+ .acc u10+
AWS key                  | g     | AKIA ASIA ABIA ACCA | c16
AWS Bedrock key          | g     | ABSK            | b100+
AWS Bedrock key          | g     | bedrock-api-key- | b20+
Bitbucket token          | k     | ATBB            | w32+
Bitbucket token          | k     | BBDC-           | b40+
Buildkite token          | k     | bkua_           | l40
CircleCI token           | k     | CCIPAT_         | w22 _ l40
ClickHouse key           | g     | 4b1d            | w38
Clojars token            | g     | CLOJARS_        | l60
Cloudflare key           | g     | v1.0-           | h24 - h100+
Cargo token              | k     | cio             | w32 !
Databricks token         | g     | dapi            | h32
Defined Networking token | g     | dnkey-          | u20+
DigitalOcean token       | g     | dop_v1_ doo_v1_ dor_v1_ | h64
Discord token            | d     | MT Mj Mz ND NT Nj Nz OD OT | w20+ . u6 . u27+
Docker token             | k t   | dckr_pat_ dckr_oat_ | u20+
Doppler token            | g     | dp.pt.          | l43
Dropbox token            | g     | sl.             | u100+
Duffel token             | g     | duffel_test_ duffel_live_ | v43
Dynatrace token          | g     | dt0c01.         | w24 . w64
EasyPost key             | g     | EZAK EZTK       | w54
Facebook token           | g     | EAA             | w60+
Figma token              | k     | figd_           | u20+
Flutterwave key          | t     | FLWSECK-        | l32 -X
Flutterwave key          | g     | FLWSECK_TEST-   | l12+
Fly.io token             | g     | fo1_            | u43
Fly.io token             | g     | fm1a_ fm1r_ fm2_ | b60+
Frame.io token           | g     | fio-u-          | v64
GitHub token             | g     | ghp_ gho_ ghu_ ghs_ ghr_ | w36+
GitHub token             | g     | github_pat_     | u22+
GitLab token             | g     | glpat- gldt- glrt- glft- glsoat- glffct- glagent- gloas- glimt- glptt- glcbt- | v20+
GitLab token             | i     | glrtr-          | v20+
GitLab token             | g     | GR1348941       | u20+
GoCardless token         | g     | live_           | u40 !
Google key               | g     | AIza            | u35
Google secret            | k     | GOCSPX-         | u20+
Google token             | k     | ya29.           | v20+
Grafana token            | g     | glc_            | b32+
Grafana token            | g     | glsa_           | w32 _ h8
Groq key                 | k     | gsk_            | w40+
Harness token            | g     | pat. sat.       | u22 . w24 . w20
Heroku key               | g     | HRKU-           | u36+
Hugging Face token       | g     | hf_ api_org_    | w30+
HubSpot token            | k     | pat-na1- pat-eu1- | h8 - u20+
Infracost token          | g     | ico-            | w32 !
Intra42 secret           | g     | s-s4t2ud- s-s4t2af- | h64
JWT                      | g     | eyJ             | u8+ .eyJ u8+ . u8+
JWT                      | g     | eyJ             | u8+ . u0+ . u8+ . u8+ . u8+
LangSmith key            | k     | lsv2_pt_ lsv2_sk_ | h32 _ h10
LaunchDarkly key         | t     | api- sdk-       | h8 - h4 - h4 - h4 - h12
Linear key               | g     | lin_api_        | w32+
Lob key                  | g     | live_           | h35
Mailgun key              | g     | key-            | h32
Mapbox token             | k     | sk.eyJ          | u20+ . u16+
Netlify token            | k     | nfp_            | w36+
New Relic key            | g     | NRII-           | u32
New Relic key            | g     | NRAK-           | c27
Notion token             | k     | secret_         | w43 !
Notion token             | g     | ntn_            | w40+
npm token                | g     | npm_            | w36+
NuGet key                | k     | oy2             | l43
NVIDIA key               | k     | nvapi-          | u40+
Octopus Deploy key       | g     | API-            | c25+
Perplexity key           | g     | pplx-           | w40+
PlanetScale token        | g     | pscale_tkn_ pscale_oauth_ pscale_pw_ | v32+
Postman key              | g     | PMAK-           | h24 - h34
PostHog key              | k     | phx_            | u40+
Prefect token            | g     | pnu_            | w36
Pulumi token             | g     | pul-            | h40
PyPI token               | g     | pypi-           | u50+
ReadMe token             | g     | rdme_           | l70
Replicate token          | k     | r8_             | u37
RubyGems key             | g     | rubygems_       | h48
Scalingo token           | g     | tk-us-          | u48
SendGrid key             | g     | SG.             | u16+ . u16+
Sendinblue key           | g     | xkeysib-        | h64 - w16
Sentry token             | g     | sntrys_eyJ      | b20+
Sentry token             | g     | sntryu_         | h64
SettleMint token         | g     | sm_aat_ sm_pat_ sm_sat_ | w16
Shippo token             | g     | shippo_live_ shippo_test_ | h40
Shopify token            | g     | shpat_ shpca_ shppa_ shpss_ | h32
Slack token              | g k   | xoxb- xoxa- xoxp- xoxr- xoxs- xoxo- xoxc- xoxd- xoxe- xapp- | u10+
Slack token              | g     | xoxe.xoxb- xoxe.xoxp- | u20+
SonarQube token          | g     | sqp_ sqa_ squ_  | h40
Sourcegraph token        | g     | sgp_            | h40
Sourcegraph token        | g     | sgp_            | w5+ _ h40
Square token             | g d   | sq0atp- sq0csp- | u22+
Square token             | g     | EAAA            | u60
Stripe key               | g     | sk_live_ sk_test_ rk_live_ rk_test_ sk_prod_ rk_prod_ | w16+
Supabase key             | k     | sbp_            | l40
Supabase key             | i     | sb_secret_      | u20+
Tailscale key            | k     | tskey-          | u20+
Telegram bot token       | g     | AA              | u33
Twilio key               | g     | SK              | h32
Typeform token           | g     | tfp_            | u40+
Vault token              | g     | hvs. hvb.       | u24+
xAI key                  | k     | xai-            | u60+
Yandex key               | g     | AQVN            | u35+
Yandex token             | g     | t1.9eu          | v50+
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
    for line in TABLE.strip().splitlines():
        label, _source, prefixes, body = (part.strip() for part in line.split("|"))
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
