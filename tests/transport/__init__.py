"""Tests of agd/transport."""
