"""Writes the parts of the pages that come from the code: ``make reference``."""

from . import pages, write

write(pages.CHECKOUT / "docs")
