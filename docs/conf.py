"""Sphinx's configuration, for `make docs`.

Sphinx with MyST and Furo: the pages are the Markdown files that one reads in the repository, the reference comes from
the code (autodoc), search is a script that needs no server, and neither Sphinx nor Furo loads anything from elsewhere.
Material for MkDocs has had its last update, MkDocs 1 gets none any more, and their successor, Zensical, calls its
reading of docstrings preliminary.
"""

from __future__ import annotations

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

project = "flask_kapa_handoff"
version = release = version_of("flask-kapa-handoff")
html_title = project
language = "en"
highlight_language = "text"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "docs.generated"]
exclude_patterns = ["generated"]
templates_path = ["_templates"]
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = [("site.js", {"defer": "defer"})]
html_use_index = False
pygments_dark_style = "a11y-high-contrast-dark"

# Anchors as in the repository, where the same pages are read.
myst_heading_anchors = 4

autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
napoleon_numpy_docstring = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80
add_module_names = False
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_copy_source = False
html_show_copyright = False
html_domain_indices = False
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#1f6f5c",
        "color-brand-content": "#1a6150",
        "color-brand-visited": "#1a6150",
    },
    "dark_css_variables": {
        "color-brand-primary": "#6fcfb6",
        "color-brand-content": "#6fcfb6",
        "color-brand-visited": "#6fcfb6",
    },
}
