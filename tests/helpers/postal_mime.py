"""What postal-mime reads in mails: the parser of npm that mail services on Node.js use."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from example_app.kapa_bundle import BundleError, install

PACKAGES = {"postal-mime": "2.7.5"}

READ = """
const {default: PostalMime} = require("postal-mime");
const mails = JSON.parse(require("fs").readFileSync(0, "utf8"));
Promise.all(mails.map((mail) => PostalMime.parse(mail))).then((read) => {
  process.stdout.write(JSON.stringify(read.map(({attachments, ...rest}) => ({
    ...rest,
    attachments: attachments.map(({content, ...named}) => ({...named, content: Buffer.from(content).toString()})),
  }))));
});
"""


def read_by_postal_mime(mails: list[bytes]) -> list[dict[str, Any]]:
    """The mails, which must be ASCII, as postal-mime reads them; all in one process."""
    try:
        modules = install(PACKAGES)
    except BundleError as error:
        pytest.fail(str(error))
    texts = json.dumps([mail.decode("ascii") for mail in mails])
    done = subprocess.run(
        ["node", "-e", READ], input=texts, capture_output=True, text=True, check=True, cwd=modules.parent
    )
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found
