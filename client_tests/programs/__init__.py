"""The Python clients: ``python -m client_tests.programs.NAME SCENARIO MODEL TEXT`` writes what was seen as JSON.

Address and key are in ``OPENAI_BASE_URL`` and ``OPENAI_API_KEY``, where every one of these libraries looks by itself.
"""
