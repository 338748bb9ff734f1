"""Tests of ``agd.admin``."""
