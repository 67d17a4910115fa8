"""The visitor's routes."""

from . import views as _views  # noqa: F401 - importing them adds them to the blueprint
from .blueprint import blueprint

__all__ = ["blueprint"]
