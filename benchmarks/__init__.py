"""Measurements, printed as ratios from one run; ``python -m benchmarks`` runs them. Nothing here is a test."""
