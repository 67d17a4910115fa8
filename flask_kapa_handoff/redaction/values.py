"""Whether a value is a secret that somebody chose or a machine made, or a placeholder, code or prose.

A masked text cannot be restored, so what stands after ``password:`` is masked only if it looks like a value.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple


class Kind(Enum):
    """What a name says about its value."""

    PASSWORD = "password"
    """People choose passwords: any value that is no placeholder, code or prose."""
    SECRET = "secret"
    """As a password, but at least eight characters: ``SECRET_KEY``, ``client_secret``."""
    KEY = "key"
    """Machines make keys and tokens: the value has to look random."""


class Candidate(NamedTuple):
    """A value after a name such as ``password``.

    Arguments:
        value: without the quotes.
        is_quoted: whether it is in quotes.
        is_setting: whether name and value are those of a settings file: ``DB_PASSWORD=…``, or the end of a line.
        is_prose: whether only a word or a blank links them (``my password is …``); then more is asked of the value.
        after: a few characters that follow it.
    """

    kind: Kind
    value: str
    is_quoted: bool
    is_setting: bool
    is_prose: bool
    after: str


_NAMES = "password|passwd|passphrase|passcode|passwort|kennwort|pass|pwd|pw|secret|token|apikey|key|credentials?|auth"
_WORDS = frozenset(
    """
    any array auto base64 basic bearer blank bool boolean byte bytes bytea char cipher confidential const data default
    defaults demo digest disabled dict email empty enabled encrypted env environment error expired false field file
    final float form func function generated get hash hashed header hex hidden http https id implicit input int integer
    invalid json jwt key keys keyring lambda let line list login long map masked md5 missing mixed name never new nil no
    none not null nullable number obj object off on oauth oauth2 opaque option optional options params path plain
    plaintext plain-text private prompt protected public query random raw readonly redacted ref reference request
    required res response result return root same secret secured securestring self sensitive session set sha1 sha256
    sha512 short some std string strings str struct static sync target temporary test testing text this true tuple type
    undefined union unique unknown unset updated url use used user username utf8 uuid value values var varchar void wrong
    yes your admin administrator postgres mysql mariadb mongo mongodb redis guest rabbitmq sa oracle minio elastic
    grafana keycloak jenkins vault tiger foobar foo bar baz qux abc hello world secure unsafe insecure always stored
    incorrect correct accepted changed protected authentication authorization credential credentials required. pattern
    match validator validators visible toggle reset change update forgot current confirm confirmation repeat again
    generate create argument arguments arg args config configuration settings setting manager provider service
    erforderlich pflichtfeld falsch vergessen obligatoire requis facultatif incorrecte obligatoria obligatorio requerido
    requerida opcional verplicht vereist onjuist zorunlu gerekli wymagane povinné pakollinen obbligatoria obbligatorio
    """.split()
)
_PLACEHOLDER = re.compile(
    r"your|(?:^|[-_. ])examples?|example[-_]|sample|placeholder|change[-_ ]?(?:me|this|it)|replace|insert|enter[-_ ]|x{4,}|redact|hidden|masked|removed"
    r"|dummy|fixme|todo|obfuscated|censored|(?:goes|key|token|password|secret|value)[-_]here\b|some[-_ ]?(?:password|secret|token|key|value|random|long)"
    r"|my[-_ ]?(?:\w+[-_ ])?(?:super[-_ ]?)?(?:password|pass|pwd|secret|token|api|key|db)|\.\.\.|…|\*{3}|•|(.)\1{5}|^(.)\2{3,}$"
    r"|super[-_]?secret|very[-_]?secret|top[-_]?secret|long[-_]random|random[-_](?:string|secret|key)|not[-_]a?[-_]?(?:real|secret)"
    r"|1234567890abcdef1234|0123456789abcdef0123456789abcdef"
)
_TEMPLATE = re.compile(
    r"^(?:[<\[({%*?^|]|\$\{|\$\(|\$\[|\$[A-Za-z_]|#\{|!(?:Ref|Sub|GetAtt|secret|env|vault|ENV)|ENC\(|vault:|op://|arn:|ssm:)"
    r"|^[@:&][A-Za-z_]+$|%\(|%[sdr]\b|\{\{|\}\}|\$\{|<[a-z][^<>]*>?$|^\\"
)
_ELIDED = re.compile(r"^[xX*•.·_#?-]+$")
_CODE = re.compile(
    r"^(?:[A-Za-z_$][\w$]*(?:\?\.|\.|->|::))+[A-Za-z_$][\w$]*\W*$"  # settings.DB_PASSWORD
    r"|^[A-Za-z_$][\w$.:>-]*\(|^[A-Za-z_$][\w$.]*\[|^&?[A-Za-z_]+(?:[<|]|[!?]\W*$)"  # getpass.getpass(…), os.environ["X"], T<…>
    r"|^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\W*$"  # DB_PASSWORD
)
_HASH = re.compile(r"^(?:\$[\da-z-]{1,12}\$|\{[A-Z0-9-]+\}|(?:sha|md|SHA|MD)\d+[-:$]|pbkdf2|scrypt[:$]|argon2|bcrypt)")
_PLACE = re.compile(
    r"^(?:~?/[\w.-]*/|\.{1,2}/|[A-Za-z]:\\|/[\w.-]+$)|^[a-z][a-z0-9+.-]*:/|^[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}$"
    r"|\.(?:txt|json|ya?ml|pem|key|env|ini|conf|cfg|py|js|ts|tsx|php|html?|md|rst|sh|crt|cer|p12|pfx|jks|toml|xml|log|db|go|rb"
    r"|properties|com|org|net|io)$|^--?[a-z]"
)
_TECHNICAL = re.compile(
    r"^(?:v?\d+(?:[.,:/-]\d+)*\w{0,2}|\d+[-_]?(?:char|bit|byte|digit|letter|day|hour|minute|second|month|year|word|time|step|factor)s?\w*"
    r"|(?:[a-z]+[-_ ])*(?:sha|md|base|utf|aes|rsa|hs|rs|es|ps|ed|oauth|http|ipv?|rfc|p|x|v|c|3des|des|bcrypt|argon|pbkdf|scrypt|curve"
    r"|k8s|s3|ec2|win|python|py|php|java|node|tls|ssl|id|iso|latin|fips|blake|win|level|part|step|version|page|section|web|auth|otp"
    r"|mfa|2fa|u2f|fido|h2|i18n|l10n|a11y|log4j|ps)[-_]?\d+\w{0,3}(?:[-_/.]\w+)*)$",
    re.IGNORECASE,
)
_HUMP = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_RANGE = re.compile(r"^\d{1,2}[-–]\d{1,3}$")  # "8-20 characters"
_MAIL_PASSWORD = re.compile(r"^[a-z]{4}(?: [a-z]{4}){3}$")  # as Google makes them for one app
_MARKUP = re.compile(r"\]\(|[<>=]|^[#@]|/.*/|\w\(")
_PUNCTUATION = ".,;:!?)]}>|\"'`*"


def is_placeholder(value: str) -> bool:
    """Whether a value only shows where a secret would be: ``YOUR_TOKEN``, ``<password>``, ``xxxx``."""
    value = value[:100]
    return bool(_ELIDED.match(value) or _TEMPLATE.search(value) or _PLACEHOLDER.search(value.lower()))


def is_secret(candidate: Candidate) -> bool:
    """Whether a value is one that somebody chose, or a machine made."""
    value = candidate.value
    bare = value.strip(_PUNCTUATION)
    if len(bare) < 4 or is_placeholder(value) or bare.lower() in _WORDS or _HASH.match(value) or _PLACE.search(value):
        return False
    if not candidate.is_quoted and _is_code(value, candidate):
        return False
    if _is_only_names(bare):
        return False
    if candidate.kind is Kind.KEY:
        return _looks_random(bare) and (len(bare) >= 16 or not candidate.is_prose)
    if candidate.kind is Kind.SECRET and len(bare) < 8:
        return False
    return _looks_chosen(value, bare, candidate)


def _is_code(value: str, candidate: Candidate) -> bool:
    """Whether an unquoted value is an expression: a path of attributes, a call, a constant's name."""
    last = value.rpartition(".")[2]
    if candidate.after[:1] in ("(", "[") or (_CODE.search(value) and not (last.isalnum() and _looks_random(last))):
        return True
    bare = value.strip(_PUNCTUATION)
    # A name of small and capital letters, such as SecretStr or newPassword.
    return bare.isalpha() and bare.isascii() and not (bare.islower() or bare.isupper()) and not candidate.is_setting


def _is_only_names(value: str) -> bool:
    """Whether nothing but words for secrets and their like is in it: ``db_password``, ``secret-token``."""
    parts = re.split(r"[-_ .]+|(?<=[a-z])(?=[A-Z])", value)
    named = any(re.fullmatch(rf"(?:\w*?)(?:{_NAMES})s?\d?", part.lower()) for part in parts)
    return named and all(part.isalpha() or part.lower() in ("oauth2", "") for part in parts)


def _looks_random(value: str) -> bool:
    if len(value) < 8 or " " in value or _TECHNICAL.match(value):
        return False
    digits = sum(c.isdigit() for c in value)
    letters = sum(c.isalpha() for c in value)
    if digits and letters:
        # "my-app-v2", "Sonnet_4": words and small numbers.
        parts = [part for part in re.split(r"[-_./:]+", value) if part]
        return any(
            re.search(r"[A-Za-z]\d+[A-Za-z]|\d[A-Za-z]+\d|^\d+[A-Za-z]", part) or len(part) >= 12 for part in parts
        )
    if not letters:
        return digits >= 20
    return len(value) >= 16 and _is_scrambled(value)


def _is_scrambled(value: str) -> bool:
    """Whether capitals come too often for words: ``CancellationTokenSource`` has few, and long ones."""
    return len(value) < 2.9 * len(_HUMP.findall(value))


def _looks_chosen(value: str, bare: str, candidate: Candidate) -> bool:
    has_digit = any(c.isdigit() for c in bare)
    has_letter = any(c.isalpha() for c in bare)
    has_sign = any(not c.isalnum() and c not in " -_.'’" for c in bare)
    if " " in value:
        return bool(_MAIL_PASSWORD.match(value))
    if candidate.is_prose:
        is_mixed = has_letter and (has_digit or (has_sign and candidate.kind is Kind.PASSWORD))
        return len(bare) >= 6 and is_mixed and not _TECHNICAL.match(bare) and not _MARKUP.search(value)
    if has_digit:
        if not has_letter and _RANGE.match(bare):
            return False
        return has_letter or has_sign or (candidate.kind is Kind.PASSWORD and len(bare) >= 4)
    if not bare.isascii():
        return False
    if candidate.is_quoted:
        return bare.islower() or has_sign or (len(bare) >= 8 and _is_scrambled(bare))
    # Letters alone: a word of a sentence, a variable, or a password without digits.
    return candidate.is_setting and len(bare) >= 6 and (has_sign or not bare[:1].isupper()) and value[-1] not in ".:?"
