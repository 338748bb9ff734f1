"""Accounts: who they are, what a failure means for them, which one is asked next. Pure; time is an argument."""
