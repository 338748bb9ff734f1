"""Tests of agd/settings."""
