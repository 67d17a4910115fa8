"""The same for ASGI servers."""

from a2wsgi import WSGIMiddleware

from .wsgi import application as wsgi_application

application = WSGIMiddleware(wsgi_application)
