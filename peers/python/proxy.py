"""A recording proxy: stands before the simulator, forwards every call unchanged, and records it with its time."""

import http.client
import json
import re
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

# What belongs to one connection and not to the call.
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "content-length"}


@dataclass
class Exchange:
    """One call with its answer. Headers are pairs, as they came; a status of 0 is an answer that never arrived."""

    number: int
    asked: float
    method: str
    path: str
    headers: list
    body: bytes
    status: int = 0
    answer_headers: list = field(default_factory=list)
    answer: bytes = b""
    answered: float = 0.0
    # The access token of the server token under which it was made; nothing when it names none that is known.
    token: str | None = None

    def header(self, name):
        """Every value of a header, in order."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def answer_header(self, name):
        return next((value for key, value in self.answer_headers if key.lower() == name.lower()), None)

    @property
    def json(self):
        return decoded(self.body)

    @property
    def answer_json(self):
        return decoded(self.answer)

    @property
    def code(self):
        """Apple's code, when it was refused."""
        return self.answer.decode(errors="replace").strip().strip('"') if self.status >= 400 else ""

    @property
    def call(self):
        return f"{self.method} {self.path}"

    @property
    def short(self):
        return f"{self.call} → {self.status} {self.code}".strip()

    def __repr__(self):
        return f"{self.number}: {self.short} {self.body[:200]!r}"


def decoded(body):
    try:
        return json.loads(body)
    except ValueError:
        return None


class Proxy:
    def __init__(self):
        self.exchanges = []
        # The server tokens that there are, by access token; and whose each session is.
        self.tokens = {}
        # The server that each of them is of. What one token of a server received, the next may use.
        self.servers = {}
        self.owners = {}
        self.behind = None
        self._lock = threading.Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def hand_on(self):
                proxy.hand_on(self)

            do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = hand_on

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    @contextmanager
    def before(self, url):
        """Forwards calls to this address, until the end of the block."""
        self.behind = urlsplit(url).netloc
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        try:
            yield self
        finally:
            self.server.shutdown()

    def hand_on(self, handler):
        length = int(handler.headers.get("Content-Length") or 0)
        body = handler.rfile.read(length)
        with self._lock:
            headers = list(handler.headers.items())
            exchange = Exchange(len(self.exchanges), time.time(), handler.command, handler.path, headers, body)
            exchange.token = self.owner_of(exchange)
            self.exchanges.append(exchange)
        try:
            self._ask(exchange)
        except (OSError, http.client.HTTPException):
            # The simulator was set to break off, and so does the proxy.
            exchange.answered = time.time()
            handler.close_connection = True
            return
        handler.send_response_only(exchange.status)
        for name, value in exchange.answer_headers:
            if name.lower() not in HOP_BY_HOP:
                handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(exchange.answer)))
        handler.end_headers()
        handler.wfile.write(exchange.answer)

    def owner_of(self, exchange):
        """By the access token that the signature names, or by the session."""
        signed = re.search('oauth_token="([^"]*)"', "".join(exchange.header("Authorization")))
        if signed:
            return signed[1]
        return self.owners.get("".join(exchange.header("X-ADM-Auth-Session")))

    def learn_session(self, exchange):
        """A session that an answer brought is that token's."""
        answer = exchange.answer_json if exchange.path == "/session" else None
        given = [exchange.answer_header("X-ADM-Auth-Session")]
        if isinstance(answer, dict):
            given.append(answer.get("auth_session_token"))
        self.owners.update({session: exchange.token for session in given if session})

    def _ask(self, exchange):
        connection = http.client.HTTPConnection(self.behind, timeout=60)
        connection.putrequest(exchange.method, exchange.path, skip_host=True, skip_accept_encoding=True)
        for name, value in exchange.headers:
            if name.lower() not in HOP_BY_HOP:
                connection.putheader(name, value)
        if exchange.body:
            connection.putheader("Content-Length", str(len(exchange.body)))
        connection.endheaders(exchange.body or None)
        answer = connection.getresponse()
        content = answer.read()
        exchange.answer_headers, exchange.answer = answer.getheaders(), content
        exchange.status = answer.status
        self.learn_session(exchange)
        exchange.answered = time.time()
        connection.close()
