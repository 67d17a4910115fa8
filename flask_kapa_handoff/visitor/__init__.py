"""The visitor's routes."""

from . import after_sending as _after_sending  # noqa: F401 - importing them adds their routes to the blueprint
from . import events as _events  # noqa: F401
from . import look as _look  # noqa: F401
from . import mail_link_views as _mail_link_views  # noqa: F401
from . import views as _views  # noqa: F401
from .blueprint import blueprint

__all__ = ["blueprint"]
