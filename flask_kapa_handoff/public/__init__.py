"""The visitor's routes."""

from .views import blueprint

__all__ = ["blueprint"]
