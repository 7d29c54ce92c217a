"""A server that answers what it is told, for what no real one can be brought to say."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, Any]


class _Quiet(ThreadingHTTPServer):
    """A client that hangs up, as one must on a certificate it does not trust, is no news."""

    def handle_error(self, *_: object) -> None:
        return


@contextmanager
def answering(
    answer: Callable[[str, str, bytes], Answer], tls: ssl.SSLContext | None = None
) -> Iterator[str]:
    """Serve `answer(method, path, body)` as JSON on a port of this machine; give the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            status, found = answer(self.command, self.path.partition("?")[0], body)
            told = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        do_POST = do_PUT = do_GET  # noqa: N815 - the names that the library looks for

        def log_message(self, *_: object) -> None:
            return

    server = _Quiet(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
