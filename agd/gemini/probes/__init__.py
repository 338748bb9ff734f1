"""Finding out what a model accepts: small requests, what the provider's answers tell, and how the table differs.

Everything here is pure: somebody else sends the requests. A question is a request that a model takes anyway, with one
thing added; so a 400 that speaks of that thing is about it, and any other failure tells nothing. Not asked are
``property_ordering`` and ``inline_limit``, which no short request shows, and of ``media`` videos and documents.
"""
