"""A server that speaks enough of Redis's protocol for its adapter, in a thread, with mistakes on request."""

from __future__ import annotations

import socketserver
import threading


class FakeRedis(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.held: dict[str, str] = {}
        self.error = ""
        self.mute = False
        self.hang_up = False
        self.seen: list[list[str]] = []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, words: list[str]) -> bytes:
        self.seen.append(words)
        match words:
            case ["PING"]:
                return b"+PONG\r\n"
            case _ if self.error:
                return f"-{self.error}\r\n".encode()
            case ["GET", key]:
                return _bulk(self.held.get(key))
            case ["SET", key, _, "NX"] if key in self.held:
                return _bulk(None)
            case ["SET", key, value, *_]:
                self.held[key] = value
                return b"+OK\r\n"
            case ["EVAL", _, "1", key, expected, value]:
                if self.held.get(key) != expected:
                    return b":0\r\n"
                self.held[key] = value
                return b":1\r\n"
        return b"-ERR unknown command\r\n"


class _Session(socketserver.StreamRequestHandler):
    server: FakeRedis

    def handle(self) -> None:
        while head := self.rfile.readline():
            words = []
            for _ in range(int(head[1:])):
                size = int(self.rfile.readline()[1:])
                words.append(self.rfile.read(size + 2)[:-2].decode())
            if self.server.hang_up and words != ["PING"]:
                return
            if not self.server.mute:
                self.wfile.write(self.server.answer(words))


def _bulk(value: str | None) -> bytes:
    return b"$-1\r\n" if value is None else f"${len(value.encode())}\r\n{value}\r\n".encode()
