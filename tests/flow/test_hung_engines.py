"""An engine that takes connections and never answers: its legs are named, nobody else waits."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.settings import Settings
from app.wiring import Installation
from rankers.answer import SearchRequest
from tests.engines import PATIENT_S
from tests.ward import Ward, build

ASKERS = 40  # more than a lane has threads, and more than an engine is asked side by side


class Hole:
    """A port that is listened on and nothing more."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=ASKERS)
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"
        self.taken: list[socket.socket] = []
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()

    def _take(self) -> None:
        while True:
            try:
                taken, _ = self._listening.accept()
            except OSError:
                return
            self.taken.append(taken)

    def close(self) -> None:
        """Hang up on everybody."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(PATIENT_S)
        for each in self.taken:
            each.close()


@pytest.fixture(scope="module")
def ward(installation: Installation) -> Ward:
    return build(installation)


@pytest.fixture
def holes() -> Iterator[list[Hole]]:
    made = [Hole(), Hole()]
    yield made
    for each in made:
        each.close()


@pytest.mark.parametrize(
    ("port", "engine"),
    [("lexical", "opensearch"), ("vector", "opensearch"), ("vector", "weaviate"),
     ("graph", "neo4j")],
)  # fmt: skip
def test_a_hung_engine_costs_its_own_leg_whoever_asks(
    installation: Installation, ward: Ward, holes: list[Hole], port: str, engine: str
) -> None:
    one, other = (hole.address for hole in holes)
    given = {
        "opensearch_url": f"http://{one}", "weaviate_url": f"http://{one}",
        "weaviate_grpc": other, "neo4j_url": f"bolt://{one}", port: engine,
    }  # fmt: skip
    # No deadline of a leg saves the others here.
    own = Installation(
        Settings(home=installation.home, leg_timeout_s=900, leg_patience_s=0.05, **given)
    )  # type: ignore[arg-type]
    own.__dict__["encoder"] = installation.encoder

    def ask(_: int) -> tuple[tuple[str, ...], int]:
        answer = own.search.rank(ward.access, SearchRequest(q="chest pain", k=10)).answer
        return answer.missing, len(answer.hits)

    with ThreadPoolExecutor(ASKERS) as askers:
        for missing, hits in askers.map(ask, range(ASKERS)):
            assert missing == (port,)
            assert hits
    assert ask(0)[0] == (port,)
    own.search.close()
    own.close()
    if engine != "opensearch":  # whose client has nothing to open first
        # Opening one is tried once and again, not by each thread that stood in line for it.
        assert max(len(hole.taken) for hole in holes) < 8
