"""A hub on this machine: as much of its protocol as a download uses, and the ways in which it can fail.

Like the real one it answers `/{owner}/{name}/resolve/{revision}/{file}` with the commit, the size and the
content's sha256 in headers, and a redirect to another host (here: another name of this one) for the bytes.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_BLOCK = 1 << 16


@dataclass
class Served:
    """One file, and how it is served.

    Attributes:
        content: its bytes.
        sends: the bytes that really go out, where others than `content`.
        cut: the connection is closed after so many bytes.
        stalls: nothing more comes after so many bytes of a request, until `Hub.go_on` is set.
        token: who does not send it gets 401 and the code of a gated repository.
    """

    content: bytes
    sends: bytes | None = None
    cut: int | None = None
    stalls: int | None = None
    token: str | None = None

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    span: str | None
    authorization: str | None


@dataclass
class Hub:
    """What the hub carries, and what was asked of it."""

    endpoint: str = ""
    files: dict[tuple[str, str], Served] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    sent: int = 0
    stalled: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    def put(self, repository: str, file: str, content: bytes, **how: object) -> Served:
        served = Served(content, **how)
        self.files[repository, file] = served
        return served

    @property
    def fetched(self) -> list[Asked]:
        """Requests for bytes, as the second host got them."""
        return [a for a in self.asked if a.method == "GET" and a.path.startswith("/bytes/")]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        hub, path = self.hub, self.path.partition("?")[0]
        given = self.headers.get("Authorization")
        hub.asked.append(Asked(self.command, path, self.headers.get("Range"), given))
        if path.startswith("/bytes/"):
            digest = path.rpartition("/")[2]
            self._bytes(next(s for s in hub.files.values() if s.sha256 == digest))
            return
        if "/resolve/" not in path:
            self._error(404, "")
            return
        owner, name, _, _, file = path.lstrip("/").split("/", 4)
        served = hub.files.get((f"{owner}/{name}", file))
        if served is None:
            known = any(repository == f"{owner}/{name}" for repository, _ in hub.files)
            self._error(404, "EntryNotFound" if known else "RepoNotFound")
        elif served.token and given != f"Bearer {served.token}":
            self._error(401, "GatedRepo")
        else:
            self.send_response(302)
            port = self.server.server_address[1]
            self.send_header("Location", f"http://localhost:{port}/bytes/{served.sha256}")
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("X-Linked-Etag", f'"{served.sha256}"')
            self.send_header("X-Linked-Size", str(len(served.content)))
            self.send_header("Content-Length", "0")
            self.end_headers()

    def _bytes(self, served: Served) -> None:
        content = served.content if served.sends is None else served.sends
        span = self.headers.get("Range")
        first = int(span.removeprefix("bytes=").partition("-")[0]) if span else 0
        self.send_response(206 if span else 200)
        self.send_header("Content-Length", str(len(content) - first))
        if span:
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        done = 0
        while first + done < len(content) and self.command == "GET":
            if served.cut is not None and done >= served.cut:
                self.close_connection = True
                return
            if served.stalls is not None and done >= served.stalls:
                self.hub.stalled.set()
                self.hub.go_on.wait(60)
                self.close_connection = True
                return
            block = content[first + done : first + done + _BLOCK]
            try:
                self.wfile.write(block)
            except OSError:  # the other side was killed
                self.close_connection = True
                return
            done += len(block)
            self.hub.sent += len(block)

    def _error(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("X-Error-Message", code)
        self.send_header("Content-Length", "0")
        self.end_headers()


@contextmanager
def serve() -> Iterator[Hub]:
    """A hub in a thread, on a free port of this machine."""
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hub
    finally:
        hub.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()
