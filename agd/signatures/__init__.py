"""Thought signatures, kept for clients that do not give them back."""
