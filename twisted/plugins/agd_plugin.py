"""Makes ``twistd agd`` exist. Imported by every twistd call on the machine, so it imports nothing of agd."""

from twisted.application.service import ServiceMaker

agd = ServiceMaker("agd", "agd.tap", "OpenAI-compatible gateway to Gemini models", "agd")
