"""Prints what email-reply-parser takes for the words of the sender, in each of the texts on standard input."""

import json
import sys

from email_reply_parser import EmailReplyParser

print(json.dumps([EmailReplyParser.parse_reply(text) for text in json.load(sys.stdin)["texts"]]))
