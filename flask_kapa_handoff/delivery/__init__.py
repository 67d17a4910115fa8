"""Delivery: getting a stored ticket out by mail."""
