"""Reads mails with Roundup's mail gateway; prints what its issues say, or why it refuses a mail.

Run in an environment that has Roundup. Standard input has ``mails``, ``options`` of config.ini's section "mailgw", and
the ``code`` of interfaces.py, or nothing.
"""

import argparse
import json
import os
import re
import sys
from io import BytesIO
from pathlib import Path

from roundup import instance, mailgw
from roundup.admin import AdminTool

question = json.load(sys.stdin)
folder = Path(sys.argv[1])
home = folder / "tracker"
os.environ["SENDMAILDEBUG"] = str(folder / "sent")  # instead of sending
printed, sys.stdout = sys.stdout, sys.stderr

tool = AdminTool()
tool.tracker_home = str(home)
tool.do_install(str(home), ["install", "classic", "anydbm", "tracker_web=http://t.example/,mail_domain=t.example"])
schema = home / "schema.py"
# As its comments say: visitors may write by mail, and become users.
line = "db.security.addPermissionToRole('Anonymous', 'Email Access')"
text = schema.read_text()
assert f"#{line}" in text
schema.write_text(text.replace(f"#{line}", line))
config = home / "config.ini"
text = config.read_text()
for option, value in question["options"].items():
    text, changed = re.subn(rf"(?m)^{option} = .*$", f"{option} = {value}", text)
    assert changed == 1, option
config.write_text(text)
if question["code"]:
    (home / "interfaces.py").write_text(question["code"])
tool.do_initialise(str(home), ["initialise", "secret"])

tracker = instance.open(str(home))
arguments = argparse.Namespace(default_class="", set_value=[])
answers: list[dict[str, object]] = []
for mail in question["mails"]:
    gateway = tracker.MailGW(tracker, arguments)
    gateway.trapExceptions = 0  # raise what it would send back
    try:
        number = gateway.main(BytesIO(mail.encode("ascii")))
    except (mailgw.MailUsageError, mailgw.Unauthorized, mailgw.IgnoreMessage) as error:
        answers.append({"refused": f"{type(error).__name__}: {error}"})
        continue
    database = tracker.open("admin")
    issue = database.issue.getnode(number)
    (message,) = [database.msg.getnode(one) for one in issue.messages]
    answers.append(
        {
            "requester": database.user.get(issue.creator, "address"),
            "subject": issue.title,
            "text": message.content,
            "files": {database.file.get(one, "name"): database.file.get(one, "content") for one in issue.files},
        }
    )
    database.close()
print(json.dumps(answers), file=printed)
