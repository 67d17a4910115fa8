"""Prints what programs that trim replies take for the words of the sender, in each of the texts on standard input."""

import json
import sys

import quotequail
from email_reply_parser import EmailReplyParser
from mailparser_reply import EmailReplyParser as MailParserReply

LANGUAGES = ["en", "de", "fr", "es", "it", "nl", "ja"]


def kept(text: str) -> dict[str, str]:
    """By the name of the program."""
    return {
        "email-reply-parser": EmailReplyParser.parse_reply(text),
        "mail-parser-reply": MailParserReply(languages=LANGUAGES).parse_reply(text=text) or "",
        "quotequail": "\n".join(part for is_shown, part in quotequail.quote(text) if is_shown),
    }


print(json.dumps([kept(text) for text in json.load(sys.stdin)["texts"]]))
