"""Pages of input items."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from agd.errors import BadRequest
from agd.protocols.responses.paging import list_page, read_page

ITEMS = [{"id": f"msg_{number}"} for number in range(5)]


def ids(listed: dict[str, Any]) -> list[str]:
    """The ids on a page."""
    return [item["id"] for item in listed["data"]]


class PagingTests(SynchronousTestCase):
    """``read_page`` and ``list_page``."""

    def test_I41_default(self) -> None:
        """The newest comes first, twenty at most."""
        listed = list_page(ITEMS, read_page({}))
        self.assertEqual(ids(listed), ["msg_4", "msg_3", "msg_2", "msg_1", "msg_0"])
        self.assertEqual((listed["object"], listed["has_more"]), ("list", False))
        self.assertEqual((listed["first_id"], listed["last_id"]), ("msg_4", "msg_0"))

    def test_I41_between(self) -> None:
        """``after`` and ``before`` bound a page in the order asked for."""
        page = read_page({"order": "asc", "after": "msg_0", "before": "msg_4", "limit": "2"})
        listed = list_page(ITEMS, page)
        self.assertEqual(ids(listed), ["msg_1", "msg_2"])
        self.assertTrue(listed["has_more"])

    def test_I41_empty(self) -> None:
        """A page of nothing has no first and no last."""
        listed = list_page([], read_page({}))
        self.assertEqual((listed["data"], listed["first_id"], listed["last_id"]), ([], None, None))

    def test_I41_refused(self) -> None:
        """What is no limit, no order or no item of the list is refused by its name."""
        queries = [{"limit": "0"}, {"limit": "101"}, {"limit": "ten"}, {"order": "up"}, {"after": "x"}, {"before": "x"}]
        for query in queries:
            with self.assertRaises(BadRequest) as caught:
                list_page(ITEMS, read_page(query))
            self.assertEqual(caught.exception.param, next(iter(query)))

    @given(st.integers(0, 30), st.integers(1, 100), st.sampled_from(["asc", "desc"]))
    def test_I41_walk(self, count: int, limit: int, order: str) -> None:
        """Page after page gives every item once, in order."""
        items = [{"id": f"msg_{number}"} for number in range(count)]
        seen: list[str] = []
        query = {"limit": str(limit), "order": order}
        while True:
            listed = list_page(items, read_page(query))
            seen += ids(listed)
            if not listed["has_more"]:
                break
            query["after"] = listed["last_id"]
        self.assertEqual(seen, [item["id"] for item in (items if order == "asc" else items[::-1])])
