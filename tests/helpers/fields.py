"""A site with one field of each kind."""

from __future__ import annotations

from flask_kapa_handoff import Field

ORDER = Field("order", "Order number", max_length=40, help="It stands at the top of your invoice.")
AREA = Field("area", "Area", choices=("Billing", "Vaults & keys"), required=True)
STEPS = Field("steps", "What have you tried?", "textarea", max_length=200)
URGENT = Field("urgent", "It keeps me from working", "checkbox")
BRANCH = Field("branch", "Branch", desks=("sales",))

FIELDS = [ORDER, AREA, STEPS, URGENT, BRANCH]
FILLED = {"order": "4711", "area": "Vaults & keys", "steps": "one\ntwo", "urgent": "yes"}
