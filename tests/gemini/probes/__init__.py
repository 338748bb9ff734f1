"""Tests of agd.gemini.probes."""
