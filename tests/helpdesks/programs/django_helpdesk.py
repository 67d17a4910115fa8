"""Reads mails with django-helpdesk, from a queue's local folder; prints what its tickets say.

Run in an environment that has django-helpdesk. Standard input has ``mails``, ``settings`` of Django, and the ``code``
of a module with an app's ``IntakeConfig``, or nothing.
"""

import json
import sys
from io import StringIO
from pathlib import Path

import django
from django.conf import settings

question = json.load(sys.stdin)
folder = Path(sys.argv[1])
apps = ["auth", "contenttypes", "sessions", "sites", "admin", "messages", "humanize"]
own = []
if question["code"]:
    (folder / "intake").mkdir()
    (folder / "intake" / "__init__.py").write_text(question["code"])
    sys.path.insert(0, str(folder))
    own = ["intake.IntakeConfig"]
settings.configure(
    INSTALLED_APPS=[*(f"django.contrib.{app}" for app in apps), "rest_framework", "helpdesk", *own],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend",
    HELPDESK_TEAMS_MODE_ENABLED=False,
    MEDIA_ROOT=str(folder / "media"),
    ROOT_URLCONF=__name__,
    SECRET_KEY="secret",
    SITE_ID=1,
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    USE_TZ=True,
    **question["settings"],
)
django.setup()

from django.core import mail  # noqa: E402 - only now
from django.core.management import call_command  # noqa: E402
from django.urls import include, path  # noqa: E402
from helpdesk.models import Queue, Ticket  # noqa: E402

urlpatterns = [path("", include("helpdesk.urls", namespace="helpdesk"))]
call_command("migrate", verbosity=0)
box = folder / "mail"
box.mkdir()
Queue.objects.create(
    title="Support",
    slug="support",
    email_address="support@example.com",
    allow_email_submission=True,
    email_box_type="local",
    email_box_local_dir=str(box),
    logging_type="none",
)
answers: list[dict[str, object]] = []
for text in question["mails"]:
    Queue.objects.update(email_box_last_check=None)  # else it waits five minutes
    (box / "one").write_bytes(text.encode("ascii"))
    call_command("get_email", quiet=True, stdout=StringIO())
    assert not list(box.iterdir()), "the mail was not taken"
    ticket = Ticket.objects.latest("id")
    followup = ticket.followup_set.latest("id")
    answers.append(
        {
            "tickets": Ticket.objects.count(),
            "requester": ticket.submitter_email,
            "subject": ticket.title,
            "description": ticket.description,
            "text": followup.comment,
            "files": {one.filename: one.file.read().decode() for one in followup.followupattachment_set.all()},
            "told": [recipient for message in mail.outbox for recipient in message.to],
        }
    )
    mail.outbox.clear()
print(json.dumps(answers))
