"""Measurements: how fast, how small. Figures are for one machine and one run; compare them with one another only."""
