"""Delivery: sends stored tickets."""
