"""The example's pages as a test reads and uses them, and questions that it can and cannot answer."""

from __future__ import annotations

from html.parser import HTMLParser

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

PASSWORD = "correct horse"


class Markup(HTMLParser):
    """What a test wants to know about a page: its links, its ids, its forms' fields."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.fields: dict[str, str] = {}
        self.buttons: list[dict[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        self.links += [values[name] for name in ("href", "src") if name in values]
        self.ids.add(values.get("id", ""))
        if tag == "input" and values.get("name"):
            self.fields[values["name"]] = values.get("value", "")
        if tag == "button":
            self.buttons.append(values)

    @property
    def answers(self) -> list[str]:
        return sorted(found.removeprefix("answer-") for found in self.ids if found.startswith("answer-"))

    @property
    def offers_a_ticket(self) -> bool:
        return any("data-kapa-handoff-open" in button for button in self.buttons)


def ask(client: FlaskClient, question: str, thread: str = "") -> TestResponse:
    response = client.post("/ask/", data={"question": question, "thread": thread}, follow_redirects=True)
    assert response.status_code == 200
    return response


def sign_in(client: FlaskClient, password: str = PASSWORD, address: str = "/login") -> TestResponse:
    token = Markup(client.get("/login").text).fields["csrf_token"]
    return client.post(address, data={"user": "admin", "password": password, "csrf_token": token})


CERTAIN = [
    ("How do I restore a single file?", "restoring-files#restore-a-single-file"),
    ("What does the Team plan cost?", "pricing-and-licences#editions-and-what-they-cost"),
    ("Which port does the keeper use?", "installation#firewall-and-ports"),
    ("How do I limit the bandwidth?", "configuration#limiting-bandwidth"),
    ("I forgot my passphrase!", "security#lost-passphrase"),
    ("Can I back up a PostgreSQL database?", "schedules-and-retention#hooks"),
    ("What are the system requirements?", "installation#system-requirements"),
    ("Can I get a refund?", "pricing-and-licences#cancelling-a-subscription"),
    ("Is there a mobile app?", "faq#is-there-an-app-for-phones"),
    ("My agent is offline", "troubleshooting#the-agent-is-shown-as-offline"),
    ("How do I upgrade from version 2?", "upgrading#from-version-2-to-version-3"),
    ("How do I exclude node_modules?", "schedules-and-retention#excluding-files"),
    ("Does it protect me against ransomware?", "faq#does-it-protect-against-ransomware"),
    ("What do the exit codes mean?", "command-line#exit-codes"),
    ("How do I create an API token?", "api#authentication"),
    ("Is my data encrypted?", "security#encryption"),
    ("How long are snapshots kept?", "schedules-and-retention#how-long-snapshots-are-kept"),
    ("Can I get alerts in Slack?", "notifications#slack-and-microsoft-teams"),
]
UNCERTAIN = [
    "Will it rain tomorrow?",
    "Who won the football world cup?",
    "How do I bake sourdough bread?",
    "Can I pay with bitcoin?",
    "Do you have a Kubernetes operator?",
    "What is the capital of France?",
    "Can I run it on FreeBSD?",
    "hello",
    "is it?",
]
