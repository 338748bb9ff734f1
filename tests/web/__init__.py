"""Tests of agd/web."""
