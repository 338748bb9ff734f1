"""agd: a gateway that lets OpenAI clients talk to Gemini models through a pool of accounts."""

__version__ = "0.1.0"
