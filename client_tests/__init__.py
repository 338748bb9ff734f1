"""Real client libraries over real sockets: ``make test-clients`` installs and runs them, ``make test`` does not.

Each client is a program in an environment of its own. It does one scenario and tells what it saw as JSON, and the test
compares that with what the simulated upstream was asked and answered.
"""
