"""What a mail server's reply means: a table of classes, by enhanced status code (RFC 3463) first, then by wording.

A 5xx reply is not always about the ticket. What is about the site (its sender, account or server) is for its operator
to fix, and what is about the moment (a full mailbox, a limit) passes: both are retried, as after a 4xx reply. Only a
reply that means "never for this recipient, or this message" fails the ticket at once.

Status codes and wordings are those of RFC 3463 and IANA's registry, and of the mail servers and providers that
tests/data/smtp_replies.tsv names with each reply.
"""

from __future__ import annotations

from typing import NamedTuple

from ...translation import noop as N_


class ReplyClass(NamedTuple):
    """One class of replies.

    Arguments:
        name: its name in the documentation.
        reason: what is wrong, and what to do about it.
        statuses: the enhanced status codes, without their first digit, that always mean this class; ``7.20-24`` is a
            range.
        words: patterns for a reply whose status code says too little.
        weak: the status codes that mean this class if no pattern matches.
        codes: the reply codes that mean this class if status code and wording say nothing.
        permanent: whether a 5xx reply of this class fails the ticket at once. The others are retried.
    """

    name: str
    reason: str
    statuses: str = ""
    words: tuple[str, ...] = ()
    weak: str = ""
    codes: str = ""
    permanent: bool = False


TOO_LARGE = "too large"

CLASSES = (
    ReplyClass(
        "come back later",
        N_("The mail server is busy, or wants us to try again later. That happens automatically."),
        statuses="3.2 3.5 4.2 4.3 4.7",
        words=(
            r"gr[ae]y[- ]?list|postgrey|deferred|unavailable or access denied",
            r"(again|try|come back) later|at a later time|(try|retry) (again )?in \d",
            r"please (retry|wait)|(^|\d )try again",
            r"temporar\w+ (local|system|error|problem|failure|unavailable|rejected|disabled|locked)",
            r"(internal|local|server|system|database) (server )?error|out of memory|timed? ?out|again shortly|not now",
            r"\bbusy\b|slow down|service (currently )?unavailable\W*$",
        ),
        weak="4.0 4.1",
        codes="503",
    ),
    ReplyClass(
        "encryption required",
        N_("The mail server requires an encrypted connection. Ask the site's operator to check its mail settings."),
        statuses="7.10 7.11 7.29",
        words=(r"issue (a )?starttls|(tls|encryption) (is )?(required|needed)",),
        codes="523 538",
    ),
    ReplyClass(
        "limit of the account",
        N_(
            "The site has reached a sending limit of its mail account, or the account is paused. "
            "Ask the site's operator to check it."
        ),
        statuses="1.90 2.121 2.122 2.251 2.253 2.254 2.255 4.5 7.232 7.233 7.508",
        words=(
            r"(user|account|domain|send\w*|hourly|daily|monthly|rate|relay) (sending |message |rate )?limit",
            r"(send\w*|submission|hourly|daily|monthly) (sending |message )?(quota|threshold)|submissionquota",
            r"rate-limit|throttl|too quickly|at a rate|limit for (this|your) account|frequency|over ?limit",
            r"(?<!size )(?<!hop )(?<!count )limit (was |has been )?(exceeded|reached)",
            r"(rate|volume) (too high|exceeded)",
            r"unusual (rate|amount|sending)|too many (messages|mails|emails|connections|recipients|failed|bad|to)",
            r"sent too many|exceeded? the max|max number of messages|per (hour|day)|\bcredits?\b|trial expired",
            r"your (\w+ )?account\b.{0,40}\b(paused|suspended|disabled|inactive|blocked|locked|not yet activated)",
            r"(paused|suspended|disabled) for (this|your|outgoing)|sending (is )?(paused|suspended|disabled)",
            r"\boutgoing\b.{0,60}\b(paused|suspended|disabled)|outboundspam|authorized recipients|billing",
        ),
    ),
    ReplyClass(
        "sender refused",
        N_(
            "The mail server doesn't accept this site's sender address. "
            "Ask the site's operator to check that its mail account may send from it, and that the domain's "
            "SPF, DKIM and DMARC allow that."
        ),
        statuses="1.7 1.8 2.252 7.20-24 7.26 7.27 7.30 7.32 7.60 7.509 7.512 7.515 7.750",
        words=(
            r"send ?as|not (allowed|permitted|authori[sz]ed) to (send|use|perform)|disallowed as|not owned by",
            r"(address|domain|identit\w+|sender) (is |are )?(not|un) ?(verified|registered|allowed|authori[sz]ed)",
            r"not (been )?verified|verified sender|sender (id\w*|signature|policy)|bad (outbound )?sender",
            r"sender (\S+ )?(address )?(denied|rejected|refused|blocked|verify failed|is (not|invalid|blocked))",
            r"sender\b.{0,60}\bnot (an? )?(active|valid|validated|authori[sz]ed|verified|allowed)",
            r"\b(no valid|envelope|spam|verify) sender|sender\b.{0,40}\b(suspended|disabled)|insufficient permission",
            r"\bfrom\W{1,2}(address|header|domain)|mail from must|your sending domain|mismatch|anti-?spoof",
            r"verification failed for|callback .{0,40}\bverif|sender'?s? domain",
            r"\b(spf|dkim|dmarc)\b|unauthenticated (e-?mail|mail|message|sender)|authentication checks",
        ),
    ),
    ReplyClass(
        "relay refused",
        N_(
            "The mail server doesn't send mail to this address for the site. "
            "Ask the site's operator to check its server and login."
        ),
        statuses="7.64",
        words=(r"\brelay(ing)?\b(?! recipient table)|rcpthosts",),
        codes="500 502 504 521",
    ),
    ReplyClass(
        "closed mailbox",
        N_(
            "The mailbox takes mail only from senders that it knows. "
            "Ask the person who manages it to allow this site's "
            "sender."
        ),
        statuses="7.12 7.13 7.124 7.133-136 7.507",
        words=(r"not authenticated (for|by)|\.AuthRequired\b|allowed-senders|only accepts? (mail|messages)",),
    ),
    ReplyClass(
        "login refused",
        N_("The mail server refused the site's login. Ask the site's operator to check its password."),
        statuses="7.3 7.8 7.57 7.139",
        words=(
            r"auth\w* (is )?(required|failed|unsuccessful|needed|first|error)|requires? authentication",
            r"turn on smtp auth|client (was|is) not authenticated",
            r"(bad|invalid|incorrect) (credential|username|password|user name)",
        ),
        weak="7.9",
        codes="530 534 535",
    ),
    ReplyClass(
        "server blocked",
        N_(
            "The mail server blocks mail from this site's server or account. "
            "Ask the site's operator to check block lists for its address."
        ),
        statuses="7.25 7.28 7.501-503 7.506 7.510 7.511 7.513 7.606-649 7.705 7.708",
        words=(
            r"(block|black|deny)[ -]?list|\b(rbl|dnsbl|sbl|xbl|pbl)\b|spamhaus|spamcop|barracuda|blocked (using|by)",
            r"(?<!not )\blisted (at|by|in|on)|reputation|banned(?! (attachment|file|content|url))",
            r"reverse (dns|lookup)|\bptr\b|client host|\bhelo|black ip|from your (ip|host|server)",
            r"\b(this|your|sending) ip\b|ip address|(^|\d )ip=|traffic not accepted|temporarily blocked",
            r"(^|\d )blocked\b",
            r"not accepting (network |e-?)?(messages|mail|connections)|no smtp service|connections? denied",
            r"(network|(?<!recipient )domain) (has been |is )?(blocked|not allowed)|local policy violation",
        ),
    ),
    ReplyClass(
        "forwarded in a circle",
        N_("The address forwards its mail in a circle. Check where tickets go in the settings."),
        statuses="4.14",
        words=(r"\bhops\b|\bloop(ing)?\b",),
        weak="4.6",
        permanent=True,
    ),
    ReplyClass(
        TOO_LARGE,
        N_(
            "The message is too large for the mail server or the mailbox. "
            "Reply from the ticket's page, or ask the site's operator to raise the limit."
        ),
        statuses="2.3 3.4",
        words=(
            r"message (file )?(is )?(too|exceed)|size (limit|exceed)|message (size|length)|email size|too (large|big)",
            r"line (is )?too long",
        ),
        permanent=True,
    ),
    ReplyClass(
        "mailbox full",
        N_("The mailbox is full. Free some space in it."),
        statuses="2.2 3.1",
        words=(r"(mailbox|inbox|disk|folder|recipient|user)\b.{0,40}\bfull|quota|storage|disk space|over its limit",),
        codes="552",
    ),
    ReplyClass(
        "mailbox disabled",
        N_("The mailbox is disabled. Check where tickets go in the settings."),
        words=(r"(user|mailbox|address|account|recipient)\b.{0,60}\b(inactive|disabled|discontinued)",),
        weak="2.1",
        permanent=True,
    ),
    ReplyClass(
        "address unknown",
        N_("There is no such address at the mail server. Check where tickets go in the settings."),
        statuses="1.10 7.504 7.505",
        words=(
            r"no such|no mailbox|badrcptto|not listed|not our customer|not local|does ?n['o]t have an? \S+ account",
            r"(user|recipient|mailbox|address|account|alias)\b.{0,80}\b(unknown|not found|n[o']t exist|no longer"
            r"|invalid|unavailable|rejected)",
            r"(unknown|invalid|bad) (\w+ )?(user|recipient|address|mailbox|alias|local|destination)|not a valid",
        ),
        weak="1.0 1.1 1.4 1.9",
        permanent=True,
    ),
    ReplyClass(
        "domain unknown",
        N_("The part after the @ of this address does not exist. Check where tickets go in the settings."),
        statuses="1.2 4.4",
        words=(r"(domain|host)\b.{0,60}\b(not found|unknown|n[o']t exist)|unrouteable",),
        codes="556",
        permanent=True,
    ),
    ReplyClass(
        "address not valid",
        N_("The mail server says that the address is not valid. Check where tickets go in the settings."),
        statuses="1.3",
        permanent=True,
    ),
    ReplyClass(
        "mailbox moved",
        N_("The mailbox has moved. Check where tickets go in the settings."),
        statuses="1.6",
        permanent=True,
    ),
    ReplyClass(
        "content refused",
        N_("The mail server rejected the message because of its content. Read the conversation on the ticket's page."),
        statuses="6.0-11 7.703",
        words=(
            r"spam|virus|malware|phish|content|unsolicited|attachment|violat|security (issue|risk|threat)|suspicious",
            r"bare (lf|line feed)|compliant|file type|extension|blocked (url|link)",
        ),
        permanent=True,
    ),
    ReplyClass(
        "site refused",
        N_("The mail server doesn't accept messages from this site. Ask the site's operator to check its sender."),
        words=(
            r"administrative prohibition|policy|access denied|configuration ?set|\b(mail from|senders?)\b|spoof",
            r"account (not|under)\b|subscription|licen[cs]e|payment|domain not active|verification pending",
        ),
        weak="7.*",
    ),
    ReplyClass(
        "address refused",
        N_("The mail server rejected an address. Check where tickets go, and the site's sender."),
        codes="550 551 553",
        permanent=True,
    ),
)
"""In the order in which the patterns are tried: a reply that matches two is the first one's."""

OTHER = ReplyClass(
    "other",
    N_("The mail server rejected the message. Ask the site's operator what the details mean."),
    permanent=True,
)
