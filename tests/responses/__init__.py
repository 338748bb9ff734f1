"""Tests of the engine behind the Responses API."""
