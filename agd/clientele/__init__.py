"""Who may ask: the keys of the configuration and those that were created while agd ran, as one list."""

from agd.clientele.bookkeeper import Bookkeeper
from agd.clientele.clientele import Clientele

__all__ = ["Bookkeeper", "Clientele"]
