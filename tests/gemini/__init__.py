"""Tests of agd/gemini."""
