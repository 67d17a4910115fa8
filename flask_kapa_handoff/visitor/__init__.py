"""The visitor's routes."""

from ..visitor.views import blueprint

__all__ = ["blueprint"]
