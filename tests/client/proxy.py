"""A TCP proxy on loopback that drops connections on purpose, by a plan a test gives it.

Owns the cutting. `plan` holds, for each connection to come, after how many bytes of the answer (or
of the request, when negative) both sides are cut; connections beyond the plan pass untouched.
"""

from __future__ import annotations

import socket
import threading
from collections import deque

from tests.support.ports import free_port

_PIECE = 4096


class DroppingProxy:
    """Passes connections on to a port until the plan says cut."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.plan: deque[int | None] = deque()
        self.cut = 0
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            after = self.plan.popleft() if self.plan else None
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            for source, sink, limit in (
                (client, server, -after if after is not None and after < 0 else None),
                (server, client, after if after is not None and after >= 0 else None),
            ):
                thread = threading.Thread(
                    target=self._pass, args=(source, sink, limit), daemon=True
                )
                thread.start()
                self._threads.append(thread)

    def _pass(self, source: socket.socket, sink: socket.socket, limit: int | None) -> None:
        passed = 0
        try:
            while piece := source.recv(_PIECE):
                if limit is not None and passed + len(piece) > limit:
                    sink.sendall(piece[: limit - passed])
                    self.cut += 1
                    break
                sink.sendall(piece)
                passed += len(piece)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def close(self) -> None:
        """Stop listening and wait for what is under way."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)
