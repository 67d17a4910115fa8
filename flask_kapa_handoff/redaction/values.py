"""Whether a value is a secret that somebody chose or a machine made, or a placeholder, code or prose.

A masked text cannot be restored, so the text after ``password:`` is masked only if it looks like a value.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import NamedTuple


class Kind(Enum):
    """What a name says about its value."""

    PASSWORD = auto()
    """People choose passwords: any value that is no placeholder, code or prose."""
    SECRET = auto()
    """As a password, but at least eight characters: ``SECRET_KEY``, ``client_secret``."""
    KEY = auto()
    """Machines make keys and tokens: the value has to look random."""


class Candidate(NamedTuple):
    """A value after a name such as ``password``.

    Arguments:
        value: without the quotes.
        is_quoted: whether it is in quotes.
        is_setting: whether name and value are those of a settings file: ``DB_PASSWORD=…``, or the end of a line.
        is_prose: whether only a word or a blank links them (``my password is …``); then more is asked of the value.
        is_called: whether a parenthesis follows, so that the value is a function's name.
    """

    kind: Kind
    value: str
    is_quoted: bool = True
    is_setting: bool = False
    is_prose: bool = False
    is_called: bool = False


# Words of code and documents, users whose password is often their name, and "required" in other languages.
_WORDS_TEXT = """
abc accepted admin administrator again always any arg args argument arguments array authentication authorization
auto bar base64 basic baz bearer blank bool boolean buffer byte bytea bytes change changed char cipher compat
confidential config configuration confirm confirmation const correct create credential credentials current data
default defaults demo dict digest disabled elastic email empty enabled encrypted env environment error expired
false field file final float foo foobar forgot form func function generate generated get grafana guest hash
hashed header hello hex hidden http https id implicit incorrect input insecure int integer invalid jenkins json
jwt key keycloak keyring keys lambda let line list login long manager map mariadb masked match md5 minio missing
mixed mongo mongodb mysql name never new nil no none not null nullable number oauth oauth2 obj object off on
opaque option optional options oracle params path pattern plain plain-text plaintext postgres private prompt
protected provider public query qux rabbitmq random raw readonly redacted redis ref reference repeat request
required res reset response result return root sa same secret secure secured securestring self sensitive service
session set setting settings sha1 sha256 sha512 short some static std stored str string strings struct sync
target temporary test testing text this tiger toggle true tuple type undefined union unique unknown unsafe unset
update updated url use used user username utf8 uuid validator validators value values var varchar vault visible
void world wrong yes your
erforderlich facultatif falsch gerekli incorrecte obbligatoria obbligatorio obligatoire obligatoria obligatorio
onjuist opcional pakollinen pflichtfeld povinné requerida requerido requis vereist vergessen verplicht wymagane
zorunlu
"""
_WORDS = frozenset(_WORDS_TEXT.split())
_NAME = re.compile(
    r"\w*?(?:password|passwd|passphrase|passcode|passwort|kennwort|pass|pwd|pw|secret|token|apikey|key|credentials?|auth)s?\d?"
)
_HAS_NAME = re.compile("pass|kennw|pw|secret|token|key|credential|auth", re.IGNORECASE)
# Each way begins with a letter or sign, so that nothing is tried elsewhere.
_PLACEHOLDER = re.compile(
    r"your|example(?:[-_]|(?<![^-_. ]example))|sample|placeholder|change[-_ ]?(?:me|this|it)|replace|insert"
    r"|enter[-_ ]|xxxx|redact|unset|hidden|masked|removed|dummy|fixme|todo|obfuscated|censored"
    r"|goes[-_]here\b|key[-_]here\b|token[-_]here\b|password[-_]here\b|secret[-_]here\b|value[-_]here\b"
    r"|some[-_ ]?(?:password|secret|token|key|value|random|long)"
    r"|my[-_ ]?(?:\w{1,20}[-_ ])?(?:super[-_ ]?)?(?:password|pass|pwd|secret|token|api|key|db)"
    r"|super[-_]?secret|very[-_]?secret|top[-_]?secret|long[-_]random|random[-_](?:string|secret|key)"
    r"|not[-_]a?[-_]?(?:real|secret)|\.\.\.|…|\*\*\*|•|1234567890abcdef1234|0123456789abcdef0123456789abcdef"
)
_REPEATED = re.compile(r"(.)\1{5}|^(.)\2{3,}$")
_TEMPLATE = re.compile(
    r"^(?:[<\[({%*?^|]|\$[({\[]|\$[A-Za-z_]\w*[,;)]*$|\$[A-Z_]{3}|#\{|!(?:Ref|Sub|GetAtt|secret|env|vault|ENV)\b|ENC\("
    r"|vault:|op://|arn:|urn:|ssm:)|^[@:&][A-Za-z_]+$|\$\(|%\(|%[sdr]\b|\{\{|\}\}|\$\{|<[a-z][^<>]*>?$|^\\"
)
_ELIDED = re.compile(r"[xX*•.·_#?-]+$")
_CODE = re.compile(
    r"(?:[A-Za-z_$][\w$]*(?:\?\.|\.|->|::))+[A-Za-z_$][\w$]*\W*$"  # settings.DB_PASSWORD
    r"|[A-Za-z_$][\w$.:>-]*[!?]?\(|[A-Za-z_$][\w$.]*\["  # getpass.getpass(…), os.environ["X"]
    r"|[&*]?[A-Za-z_][\w.:]*\{"  # &v1.Secret{
    r"|&?[A-Za-z_]+(?:[<|]|[!?]\W*$)"  # Optional<String>, String!
    r"|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\W*$"  # DB_PASSWORD
)
_HASH = re.compile(r"\$[\da-z-]{1,24}\$|\{[A-Z0-9-]+\}|(?:sha|md|SHA|MD)\d+[-:$]|pbkdf2|scrypt[:$]|argon2|bcrypt")
# Folders, files, addresses, options, rules.
_PLACE = re.compile(
    r"^(?:~?/[\w.-]*/|\.{1,2}/|[A-Za-z]:\\|/[\w.-]+$)|^[a-z][a-z0-9+.-]*:/|^[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}$"
    r"|\.(?:txt|json|ya?ml|pem|key|env|ini|conf|cfg|py|js|ts|tsx|php|html?|md|rst|sh|crt|cer|p12|pfx|jks|toml|xml|log|db"
    r"|go|rb|properties|com|org|net|io)$|^--?[a-z]|^[a-z_]+(?:=[^=]|\|[a-z])"
)
# Versions, sizes and names with a number: sha256, OAuth2, base64-encoded, 8-character.
_TECHNICAL = re.compile(
    r"(?:v?\d+(?:[.,:/-]\d+)*\w{0,2}"
    r"|\d+[-_]?(?:char|bit|byte|digit|letter|day|hour|minute|second|month|year|word|time|step|factor)s?\w*"
    r"|(?:[a-z]+[-_ ])*(?=[a-z0-9]{1,7}[-_]?\d)"
    r"(?:sha|md|base|utf|aes|rsa|hs|rs|es|ps|ed|oauth|http|ipv?|rfc|p|x|v|c|3des|des|bcrypt|argon"
    r"|pbkdf|scrypt|curve|k8s|s3|ec2|win|python|py|php|java|node|tls|ssl|id|iso|latin|fips|blake|level|part|step|version|page"
    r"|section|web|auth|otp|mfa|2fa|u2f|fido|h2|i18n|l10n|a11y|log4j)[-_]?\d+\w{0,3}(?:[-_/.]\w{1,12}){0,3})$",
    re.IGNORECASE,
)
# As web frameworks write what a field has to be: min:8.
_RULE = re.compile(
    r"(?:min|max|size|between|digits|length|same|different|confirmed|in|exists|unique|current_\w+):[\w,.]+$"
)
_RANDOM = re.compile(r"[A-Za-z0-9+/]{32,}={0,2}$")
# Letters in which nobody types a password.
_UNTYPED = re.compile(r"[\u0590-\u08ff\u0900-\u0dff\u0e00-\u0eff\u2e80-\u9fff\uac00-\ud7af\uf900-\uffef]")
_FIRST_WORD = re.compile(r"[A-Za-z]+(?=[)\]])")
_HUMP = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_DIGIT, _LETTER, _SEPARATORS = re.compile(r"\d"), re.compile(r"[^\W\d_]"), re.compile(r"[-_./:]+")
_PART_OF_NAME = re.compile(r"[^\W\d_]+\d?")
_WORD_ENDS = re.compile(r"[-_ ./]+")
_JUMBLE = re.compile(r"[A-Za-z]\d+[A-Za-z]|\d[A-Za-z]+\d|^\d+[A-Za-z]")
_SIGN = re.compile(r"[^\w\-.'’]")
_RANGE = re.compile(r"(?:\d{1,2}[-–]|[-+])\d{1,3}$")  # "8-20 characters", -100
_MAIL_PASSWORD = re.compile(r"[a-z]{4}(?: [a-z]{4}){3}$")  # as Google makes them for one app
_MARKUP = re.compile(r"\]\(|[<>=]|^[#@]|/.*/|\w\(")
_PUNCTUATION = ".,;:!?)]}>|\"'`*"
_BEGINNING = 200  # characters, which say enough of a longer value


def is_placeholder(value: str) -> bool:
    """Whether a value only shows where a secret would be: ``YOUR_TOKEN``, ``<password>``, ``xxxx``."""
    value = value[:_BEGINNING]
    lower = value.lower()
    return bool(
        _ELIDED.match(value) or _TEMPLATE.search(value) or _PLACEHOLDER.search(lower) or _REPEATED.search(lower)
    )


def is_common_word(value: str) -> bool:
    """Whether a value is a word of code or documents, a user's default password, or a secret's name."""
    return value.lower() in _WORDS or _is_only_names(value)


def shortest(kind: Kind, *, is_prose: bool) -> int:
    """How many characters a secret of this kind has at least."""
    return 8 if kind is not Kind.PASSWORD else 6 if is_prose else 4


def is_secret(candidate: Candidate) -> bool:
    """Whether a value is one that somebody chose, or a machine made."""
    value = candidate.value[:_BEGINNING]
    bare = value.strip(_PUNCTUATION)
    if len(bare) < shortest(candidate.kind, is_prose=candidate.is_prose):
        return False
    # First what most words are not.
    if candidate.kind is Kind.KEY:
        if (candidate.is_prose and len(bare) < 16) or not _looks_random(bare):
            return False
    elif not _looks_chosen(value, bare, candidate):
        return False
    if candidate.is_prose and (_MARKUP.search(bare) or _UNTYPED.search(bare)):
        return False
    return not (
        is_common_word(bare)
        or _HASH.match(value.lstrip(_PUNCTUATION))
        or _is_place(value)
        or is_placeholder(value)
        or _RULE.match(value)
        or _is_code(value, candidate)
        or _UNTYPED.match(bare)
    )


def _is_place(value: str) -> bool:
    """Whether a value is a folder, file or address; a key in base64 may begin with a slash, too."""
    return bool(_PLACE.search(value)) and not (_RANDOM.match(value) and _DIGIT.search(value) and not value.islower())


def _is_code(value: str, candidate: Candidate) -> bool:
    """Whether a value without quotes is an expression: a path of attributes, a call, a constant's name."""
    if candidate.is_quoted:
        return False
    last = value.rpartition(".")[2]
    is_token = len(last) >= 20 and last.isalnum() and _looks_random(last)
    if candidate.is_called or (_CODE.match(value) and not is_token):
        return True
    first = _FIRST_WORD.match(value)  # nil).token
    if first and is_common_word(first[0]):
        return True
    bare = value.strip(_PUNCTUATION)
    # A name of small letters and capitals, such as SecretStr or newPassword.
    return bare.isalpha() and bare.isascii() and not (bare.islower() or bare.isupper()) and not candidate.is_setting


def _is_only_names(value: str) -> bool:
    """Whether nothing but words for secrets and their like is in it: ``db_password``, ``secret-token``."""
    if not _HAS_NAME.search(value):
        return False
    parts = [part for part in _WORD_ENDS.split(value.lower().replace("oauth2", "")) if part]
    return all(map(_PART_OF_NAME.fullmatch, parts)) and any(map(_NAME.fullmatch, parts))


def _looks_random(value: str) -> bool:
    """Whether a machine made it: letters and digits in no order, or capitals in the middle of no words."""
    has_digit = _DIGIT.search(value)
    if (len(value) < 16 and not has_digit) or " " in value or _TECHNICAL.match(value):
        return False
    if not _LETTER.search(value):
        return len(value) >= 20
    if has_digit:
        # Not "my-app-v2" or "Sonnet_4": words and small numbers.
        return any(_JUMBLE.search(part) or len(part) >= 12 for part in _SEPARATORS.split(value))
    return len(value) >= 16 and _is_scrambled(value)


def _is_scrambled(value: str) -> bool:
    """Whether capitals come too often for words: ``CancellationTokenSource`` has few, and long ones."""
    return len(value) < 2.9 * len(_HUMP.findall(value))


def _looks_chosen(value: str, bare: str, candidate: Candidate) -> bool:
    """Whether a person may have chosen it as a password."""
    if " " in value:
        return bool(_MAIL_PASSWORD.match(value))
    has_digit, has_letter, has_sign = bool(_DIGIT.search(bare)), bool(_LETTER.search(bare)), bool(_SIGN.search(bare))
    if candidate.is_prose:
        is_mixed = has_letter and (has_digit or (has_sign and candidate.kind is Kind.PASSWORD))
        return is_mixed and not _TECHNICAL.match(bare)
    if has_digit:
        return has_letter or (not _RANGE.match(value) and (has_sign or candidate.kind is Kind.PASSWORD))
    if candidate.kind is Kind.SECRET:  # or else a secret's name: "secret: db-credentials"
        return len(bare) >= 16 and _is_scrambled(bare)
    if not bare.isascii():
        return False
    if candidate.is_quoted:
        return bare.islower() or has_sign or (len(bare) >= 8 and _is_scrambled(bare))
    # Letters alone: a word of a sentence, a variable, or a password without digits.
    return candidate.is_setting and len(bare) >= 6 and (has_sign or not bare[:1].isupper()) and value[-1] not in ".:?"
