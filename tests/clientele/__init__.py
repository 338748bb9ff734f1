"""Tests of ``agd.clientele``."""
