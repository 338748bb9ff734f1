"""The simulator's own surface, for tests in other processes: what is to come, calls that were, the last request.

``PUT /simulator/faults/{key}``, ``DELETE /simulator/faults/{key}``, ``DELETE /simulator/faults``,
``PUT /simulator/cues``, ``DELETE /simulator/cues``,
``GET /simulator/calls``, ``DELETE /simulator/calls``, ``GET /simulator/last``, ``GET /simulator/office`` (counts),
``PUT /simulator/office`` (who may have tokens, and how it goes wrong), ``DELETE /simulator/office`` (revoke tokens).
"""

from __future__ import annotations

from twisted.web.resource import Resource
from twisted.web.server import Request

from agd.encoding import InvalidJSON, decode, encode
from agd.simulator.cues import read_cues
from agd.simulator.faults import read_faults
from agd.simulator.office import Client, Signer
from agd.simulator.resources import body_of, path_under
from agd.simulator.script import JSON_TYPE
from agd.simulator.simulation import Simulator


def control(simulator: Simulator) -> Resource:
    """Give the tree that stands at ``/simulator``."""
    root = Resource()
    root.putChild(b"faults", _Faults(simulator))
    root.putChild(b"cues", _Cues(simulator))
    root.putChild(b"calls", _Calls(simulator))
    root.putChild(b"last", _Last(simulator))
    root.putChild(b"office", _Office(simulator))
    return root


class _Faults(Resource):
    isLeaf = True

    def __init__(self, simulator: Simulator) -> None:
        Resource.__init__(self)
        self._simulator = simulator

    def render_PUT(self, request: Request) -> bytes:
        key = path_under(request)
        if key not in self._simulator.keys:
            return _json(request, 404, {"error": f"no such key: {key}"})
        try:
            faults = read_faults(decode(body_of(request)))
        except (InvalidJSON, ValueError) as error:
            return _json(request, 400, {"error": str(error)})
        self._simulator.faults.put(key, faults)
        return _json(request, 200, {"key": key, "faults": len(faults)})

    def render_DELETE(self, request: Request) -> bytes:
        self._simulator.faults.clear(path_under(request) or None)
        return _json(request, 200, {})


class _Cues(Resource):
    isLeaf = True

    def __init__(self, simulator: Simulator) -> None:
        Resource.__init__(self)
        self._simulator = simulator

    def render_PUT(self, request: Request) -> bytes:
        try:
            cues = read_cues(decode(body_of(request)))
        except (InvalidJSON, ValueError) as error:
            return _json(request, 400, {"error": str(error)})
        self._simulator.cues.put(cues)
        return _json(request, 200, {"cues": len(cues)})

    def render_DELETE(self, request: Request) -> bytes:
        self._simulator.cues.put(())
        return _json(request, 200, {})


class _Calls(Resource):
    isLeaf = True

    def __init__(self, simulator: Simulator) -> None:
        Resource.__init__(self)
        self._simulator = simulator

    def render_GET(self, request: Request) -> bytes:
        return _json(request, 200, self._simulator.ledger.as_json())

    def render_DELETE(self, request: Request) -> bytes:
        self._simulator.ledger.forget()
        return _json(request, 200, {})


class _Last(Resource):
    isLeaf = True

    def __init__(self, simulator: Simulator) -> None:
        Resource.__init__(self)
        self._simulator = simulator

    def render_GET(self, request: Request) -> bytes:
        last = self._simulator.ledger.last
        return _json(request, 200, last) if last else _json(request, 404, {"error": "no generate request yet"})


class _Office(Resource):
    """The token endpoint's book."""

    isLeaf = True

    def __init__(self, simulator: Simulator) -> None:
        Resource.__init__(self)
        self._simulator = simulator

    def render_GET(self, request: Request) -> bytes:
        office = self._simulator.office
        counts = {"asked": office.asked, "granted": office.granted, "lookups": self._simulator.lookups}
        return _json(request, 200, counts)

    def render_PUT(self, request: Request) -> bytes:
        """Take what is given of ``signers`` (by address), ``clients``, ``lifetime``, ``seconds`` and ``failures``."""
        given, office = decode(body_of(request)), self._simulator.office
        office.signers |= {email: Signer(**each) for email, each in given.get("signers", {}).items()}
        office.clients += [Client(**each) for each in given.get("clients", [])]
        office.lifetime = given.get("lifetime", office.lifetime)
        office.seconds = given.get("seconds", office.seconds)
        office.failures.extend((status, error) for status, error in given.get("failures", []))
        return _json(request, 200, {})

    def render_DELETE(self, request: Request) -> bytes:
        self._simulator.office.revoke()
        return _json(request, 200, {})


def _json(request: Request, status: int, value: object) -> bytes:
    request.setResponseCode(status)
    request.setHeader("content-type", JSON_TYPE)
    return encode(value)
