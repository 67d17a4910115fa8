"""Mail: how a ticket is written, and the way to the mail server."""
