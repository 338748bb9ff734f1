"""Tests of agd/simulator."""
