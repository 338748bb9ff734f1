"""Tests of ``agd.keys``."""
