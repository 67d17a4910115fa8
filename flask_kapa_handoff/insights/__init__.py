"""What a setting would do, and what visitors ask: from answer records and tickets."""
