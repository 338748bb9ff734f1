"""Tests of agd/accounts."""
