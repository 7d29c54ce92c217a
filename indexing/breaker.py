"""A server that does not answer is left alone until it does: questions fail at once meanwhile.

A question whose answer is late is not waited for blindly: the server is asked for a sign of life,
and one that gives none is taken for dead within a tenth of a second, whatever its deadline.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from functools import partial
from typing import TypeVar

from indexing.errors import EngineUnavailable

PROBE_EVERY_S = 0.5
LATE_S = 0.04  # silence after which a server is asked for a sign of life
PATIENCE_S = 0.05  # that it has to give one; more where it has been slower lately
SLOWER = 3  # times what three of four signs of life took: our own load delays all alike
MOST_PATIENCE_S = 1.0
LATELY = 16  # signs of life that say what is usual
LEARN_EVERY_S = 0.25  # while it answers: else only late signs, of outages, would say what is usual
CLOSING_S = 5.0  # that signs and probes may take while their client is being closed
CALLS = 32  # questions side by side; a hung server holds their threads until each one's deadline

T = TypeVar("T")


class Unreachable(EngineUnavailable):
    """No answer at all: refused, hung up or too late. Opens the breaker; other refusals do not."""


class Breaker:
    """Closed while a server answers. `probe` returns when it does and raises otherwise; `sign` is
    the cheapest thing that it answers, the probe where None.

    The probe runs in a thread of its own, so that no question waits to find out.
    """

    def __init__(
        self,
        name: str,
        probe: Callable[[], object],
        *,
        sign: Callable[[], object] | None = None,
        every_s: float = PROBE_EVERY_S,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._name, self._probe, self._every_s = name, probe, every_s
        self._pulse = _Pulse(name, sign or probe, patience_s)
        self._calls = self._callers()
        self._open = False
        self._probing: threading.Thread | None = None
        self._lock = threading.Lock()
        self._closing = threading.Event()

    @property
    def open(self) -> bool:
        """Say whether the server is left alone."""
        return self._open

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Run a call to the server. Raises: EngineUnavailable: at once while it is open."""
        if self._open:
            raise self._left_alone()
        try:
            yield
        except Unreachable:
            self._trip()
            raise

    def ask(self, call: Callable[[], T]) -> T:
        """Run a question and return its answer, for as long as the server shows that it lives.

        Raises:
            EngineUnavailable: it does not; the call is left to its own deadline.
        """
        with self.guard():
            with self._lock:
                asked = self._calls.submit(call)
            while (starved_s := _late(asked)) is not None:
                if not self._pulse.beats(starved_s) and not asked.done():
                    raise Unreachable(
                        f"{self._name} gives no sign of life", hint="Look at the server."
                    )
            try:
                answer = asked.result()
            except CancelledError:  # it stood in line behind calls that hang
                raise self._left_alone() from None
            self._pulse.heard()
            return answer

    def close(self) -> None:
        """End the threads, send nothing from now on; hanging questions are not waited for, but a
        sign and a probe are, CLOSING_S together: they use what is closed next."""
        ends = time.monotonic() + CLOSING_S
        self._closing.set()
        self._calls.shutdown(wait=False)
        self._pulse.close()
        with self._lock:
            probing = self._probing
        if probing is not None:
            probing.join(max(0.0, ends - time.monotonic()))

    def _trip(self) -> None:
        with self._lock:
            if self._open or self._closing.is_set():
                return
            self._open = True
            # Calls that hang keep their threads to their own deadlines: whoever asks once it is
            # back must not wait for these.
            self._calls.shutdown(wait=False, cancel_futures=True)
            self._calls = self._callers()
            name = f"probe-{self._name.lower()}"
            self._probing = threading.Thread(target=self._until_back, name=name, daemon=True)
            self._probing.start()

    def _callers(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(CALLS, thread_name_prefix=f"ask-{self._name.lower()}")

    def _left_alone(self) -> EngineUnavailable:
        return EngineUnavailable(
            f"{self._name} does not answer",
            hint=f"Look at the {self._name} server; it is asked again twice a second.",
        )

    def _until_back(self) -> None:
        self._pulse.awaited()  # it may only have paused
        while not self._closing.is_set():
            with suppress(EngineUnavailable):
                self._probe()
                break
            self._closing.wait(self._every_s)
        self._pulse.forget()
        self._open = False


def _late(asked: Future[T]) -> float | None:
    """Wait a moment for an answer; return by how many seconds we woke up too late, None for one
    that came."""
    began = time.monotonic()
    wait((asked,), LATE_S)
    if asked.done():  # cancelled too, which is no news to those who wait
        return None
    return max(0.0, time.monotonic() - began - LATE_S)


class _Pulse:
    """When a server was last heard of, and how long it usually takes to give a sign of life."""

    def __init__(self, name: str, sign: Callable[[], object], patience_s: float) -> None:
        self._name, self._sign, self._patience_s = f"pulse-{name.lower()}", sign, patience_s
        self._took: deque[float] = deque(maxlen=LATELY)
        self._heard_at = self._asked_at = float("-inf")
        self._closed = False
        self._sent: Future[bool] | None = None
        self._lock = threading.Lock()

    def heard(self) -> None:
        """Note that it answered; now and then, learn how long a sign of life takes."""
        self._heard_at = time.monotonic()
        if self._heard_at - self._asked_at >= LEARN_EVERY_S:
            self._send()

    def beats(self, starved_s: float) -> bool:
        """Say whether it lives, as far as it shows in time; more time where this process has
        itself been kept waiting for a processor."""
        if time.monotonic() - self._heard_at < LATE_S:
            return True
        sent = self._send()
        patience = self._patience() + SLOWER * starved_s
        return bool(wait((sent,), patience).done) and sent.result()

    def awaited(self, most_s: float = MOST_PATIENCE_S) -> None:
        """Wait a while for the sign that was asked for."""
        if (sent := self._sent) is not None:
            wait((sent,), most_s)

    def close(self) -> None:
        """Send nothing more; what was sent is waited for a while: it uses what is closed next."""
        with self._lock:
            self._closed = True
        self.awaited(CLOSING_S)

    def forget(self) -> None:
        """Expect nothing any more of a sign that was asked of the server as it was."""
        self._sent = None

    def _patience(self) -> float:
        """Return the seconds that a sign of life may take."""
        took = sorted(self._took)
        usual = took[len(took) * 3 // 4] if took else MOST_PATIENCE_S
        return max(self._patience_s, min(SLOWER * usual, MOST_PATIENCE_S))

    def _send(self) -> Future[bool]:
        """Ask for a sign, unless it is being asked already."""
        with self._lock:
            if self._closed:
                self._sent = Future()
                self._sent.set_result(True)  # the question will say for itself
            elif self._sent is None or self._sent.done():
                self._sent, self._asked_at = Future(), time.monotonic()
                work = partial(self._signed, self._sent)
                threading.Thread(target=work, name=self._name, daemon=True).start()
            return self._sent

    def _signed(self, sent: Future[bool]) -> None:
        began, lives = time.monotonic(), False
        try:
            self._sign()
            lives = True
        except EngineUnavailable as exc:
            lives = not isinstance(exc, Unreachable)  # a refusal is an answer
        finally:
            if lives:
                self._heard_at = time.monotonic()
                # One that came too late counts for a little more than it was given: a server that
                # hung is not slow.
                self._took.append(min(self._heard_at - began, 2 * self._patience()))
            sent.set_result(lives)
