"""Mail: composes tickets as messages, and sends them to the mail server."""
