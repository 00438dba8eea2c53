"""A local stand-in for the Hugging Face hub: the few answers that uploading and downloading a folder need."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class FakeHub(ThreadingHTTPServer):
    """Repositories in memory; ``repositories["user/name"]`` is path -> bytes."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.private: dict[str, bool] = {}
        self.address = f"http://127.0.0.1:{self.server_port}"

    def commit_of(self, name: str) -> str:
        """Forty hex digits that stand for the contents."""
        return hashlib.sha1(repr(sorted(self.repositories[name].items())).encode()).hexdigest()


class _Answers(BaseHTTPRequestHandler):
    server: FakeHub
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self._body()
        if self.path == "/api/repos/create":
            if self.headers.get("Authorization") != "Bearer good":
                return self._json({"error": "Invalid credentials"}, status=401)
            asked = json.loads(body)
            name = "/".join(filter(None, (asked.get("organization"), asked["name"])))
            if name in self.server.repositories:
                return self._json({"error": "exists", "url": f"{self.server.address}/{name}"}, status=409)
            self.server.repositories[name] = {}
            self.server.private[name] = asked.get("visibility") == "private" or bool(asked.get("private"))
            return self._json({"url": f"{self.server.address}/{name}", "name": name, "id": name})
        if self.path == "/api/validate-yaml":
            return self._json({"errors": [], "warnings": []})
        name, action = self._split("/api/models/")
        if action.startswith("preupload/"):
            files = [
                {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False, "oid": None}
                for file in json.loads(body)["files"]
            ]
            return self._json({"files": files})
        if action.startswith("commit/"):
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    value = line["value"]
                    self.server.repositories[name][value["path"]] = base64.b64decode(value["content"])
            commit = self.server.commit_of(name)
            return self._json({"commitOid": commit, "commitUrl": f"{self.server.address}/{name}/commit/{commit}"})
        return self._json({"error": f"unknown {self.path}"}, status=404)

    def do_GET(self) -> None:
        if self.path.startswith("/api/models/"):
            self._describe()
        else:
            self._file()

    do_HEAD = do_GET

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""

    def _describe(self) -> None:
        name, action = self._split("/api/models/")
        if name not in self.server.repositories:
            return self._json({"error": "Repository not found"}, status=404, code="RepoNotFound")
        files = self.server.repositories[name]
        if action.startswith("tree/"):
            return self._json(
                [
                    {"type": "file", "path": path, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                    for path, data in files.items()
                ]
            )
        siblings = [{"rfilename": path} for path in files]
        return self._json({"id": name, "sha": self.server.commit_of(name), "siblings": siblings})

    def _file(self) -> None:
        name, action = self._split("/")
        data = self.server.repositories[name][action.split("/", 2)[2]]
        self.send_response(200)
        self.send_header("X-Repo-Commit", self.server.commit_of(name))
        self.send_header("ETag", f'"{hashlib.sha1(data).hexdigest()}"')
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)

    def _split(self, prefix: str) -> tuple[str, str]:
        user, name, *action = self.path.removeprefix(prefix).partition("?")[0].split("/")
        return f"{user}/{name}", "/".join(action)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _json(self, content: Any, *, status: int = 200, code: str = "") -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def running_hub() -> Iterator[FakeHub]:
    """A hub on this machine for the block."""
    with FakeHub() as hub:
        thread = Thread(target=hub.serve_forever, daemon=True)
        thread.start()
        try:
            yield hub
        finally:
            hub.shutdown()
            thread.join()
