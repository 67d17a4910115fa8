"""The visitor's routes."""

from . import views as _views  # noqa: F401 - they stand in the blueprint once they are imported
from .blueprint import blueprint

__all__ = ["blueprint"]
