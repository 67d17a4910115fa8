"""Where the templates lie: inside the package in a wheel, beside it in a checkout or an editable install."""

from pathlib import Path

_PACKAGE = Path(__file__).parent

TEMPLATES = _PACKAGE / "templates"
if not TEMPLATES.is_dir():
    TEMPLATES = _PACKAGE.parent / "templates"
