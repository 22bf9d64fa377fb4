"""A hub on loopback: takes commits over the API that the installed huggingface_hub speaks, and keeps what it got.

It can also fail in every way, and list files under names that no honest hub would have.
"""

import base64
import hashlib
import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from huggingface_hub import ModelCard

LARGE = (".safetensors", ".mp4")  # what the Hub keeps in LFS
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n"


@dataclass
class Repository:
    """What was committed to a repository."""

    private: bool = False
    commits: list[dict[str, Any]] = field(default_factory=list)  # header, branch and paths of each
    branches: dict[str, dict[str, bytes]] = field(default_factory=lambda: {"main": {}})

    @property
    def files(self) -> dict[str, bytes]:
        """The main branch's files."""
        return self.branches["main"]

    def sha(self, branch: str = "main") -> str:
        """A commit's hash, made of what it holds."""
        return hashlib.sha1(repr(sorted(self.branches[branch].items())).encode()).hexdigest()

    def to_git(self, folder: Path) -> Path:
        """Writes the main branch as a git repository with LFS pointers, as a mirror serves it."""
        folder.mkdir(parents=True)
        for name, content in self.files.items():
            if name.endswith(LARGE):
                oid = hashlib.sha256(content).hexdigest()
                store = folder / ".git" / "lfs" / "objects" / oid[:2] / oid[2:4]
                store.mkdir(parents=True)
                (store / oid).write_bytes(content)
                content = POINTER.format(oid, len(content)).encode()
            (folder / name).write_bytes(content)
        for words in ("init -q -b main", "add -A", "-c user.name=a -c user.email=a@b.c commit -q -m one"):
            subprocess.run(["git", "-C", str(folder), *words.split()], check=True)
        return folder


class Hub(ThreadingHTTPServer):
    """The server.

    Attributes:
        repositories: by USER/NAME.
        asked: method, path and authorization of every request, in order.
        failures: path prefix -> how it fails: a status, `hang`, `drop`, or `garbage`.
        message: what it adds to its failures.
        etag: what it puts before the ETags of its files.
        listed: further names that it lists in every tree, for all of which it serves the same bytes.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.repositories: dict[str, Repository] = {}
        self.asked: list[tuple[str, str, str | None]] = []
        self.failures: dict[str, int | str] = {}
        self.message = ""
        self.etag = ""
        self.listed: list[str] = []
        self.blobs: dict[str, bytes] = {}
        self.released = threading.Event()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of clients that have hung up."""


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    server: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""

    def handle_any(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.asked.append((self.command, path, self.headers.get("authorization")))
        self.body = self.rfile.read(int(self.headers.get("content-length") or 0))
        for prefix, how in self.server.failures.items():
            if path.startswith(prefix):
                return self.fail(how)
        for (method, pattern), answer in ANSWERS.items():
            found = re.fullmatch(pattern, path)
            if method == self.command and found:
                return answer(self, *found.groups())
        return self.answer(404, {"error": "no such page"})

    do_GET = do_POST = do_PUT = do_HEAD = handle_any

    def fail(self, how: int | str) -> None:
        if how == "hang":
            self.server.released.wait(30)
        if how in ("hang", "drop"):
            self.close_connection = True
            return
        if how == "garbage":
            self.send(200, b"<html>not what you think", {"Content-Type": "text/html"})
        else:
            self.answer(int(how), {"error": self.server.message})

    def answer(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        self.send(status, json.dumps(content).encode(), {"Content-Type": "application/json"} | (headers or {}))

    def send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, text in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def said(self) -> Any:
        return json.loads(self.body)

    def create(self) -> None:
        asked = self.said()
        name = f"{asked['organization']}/{asked['name']}"
        there = name in self.server.repositories
        private = asked.get("visibility") == "private" or asked.get("private", False)
        self.server.repositories.setdefault(name, Repository(private))
        self.answer(409 if there else 200, {"url": f"{self.server.url}/{name}"})

    def validate(self) -> None:
        try:
            card = ModelCard(self.said()["content"])
            wrong = [name for name in card.data.datasets or [] if not re.fullmatch(r"[\w.-]+/[\w.-]+", name)]
            errors = [{"message": f"datasets: {name} is no id"} for name in wrong]
        except ValueError as error:
            errors = [{"message": str(error)}]
        self.answer(400 if errors else 200, {"errors": errors, "warnings": []})

    def branch(self, name: str, branch: str) -> None:
        branches = self.server.repositories[name].branches
        there = branch in branches
        branches.setdefault(branch, dict(branches["main"]))
        self.answer(409 if there else 200, {})

    def preupload(self, name: str, branch: str) -> None:
        modes = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if file["path"].endswith(LARGE) else "regular",
                "shouldIgnore": False,
            }
            for file in self.said()["files"]
        ]
        self.answer(200, {"files": modes})

    def batch(self, name: str) -> None:
        def action(oid: str) -> dict[str, Any]:
            return {
                "upload": {"href": f"{self.server.url}/lfs/{oid}"},
                "verify": {"href": f"{self.server.url}/{name}/lfs/verify"},
            }

        objects = [{**file, "actions": action(file["oid"])} for file in self.said()["objects"]]
        self.answer(200, {"transfer": "basic", "objects": objects})

    def upload(self, oid: str) -> None:
        assert hashlib.sha256(self.body).hexdigest() == oid
        self.server.blobs[oid] = self.body
        self.answer(200, {})

    def verify(self, name: str) -> None:
        asked = self.said()
        known = len(self.server.blobs.get(asked["oid"], b"")) == asked["size"]
        self.answer(200 if known else 404, {})

    def commit(self, name: str, branch: str) -> None:
        repository = self.server.repositories[name]
        files = repository.branches[branch]
        header, paths = {}, []
        for line in self.body.splitlines():
            entry = json.loads(line)
            value = entry["value"]
            if entry["key"] == "header":
                header = value
                continue
            paths.append(value["path"])
            if entry["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            else:
                assert entry["key"] == "lfsFile"
                files[value["path"]] = self.server.blobs[value["oid"]]
        repository.commits.append({**header, "branch": branch, "paths": sorted(paths)})
        sha = repository.sha(branch)
        self.answer(200, {"commitUrl": f"{self.server.url}/{name}/commit/{sha}", "commitOid": sha})

    def info(self, name: str, _: str | None = None, revision: str = "main") -> None:
        repository = self.server.repositories.get(name)
        if repository is None:
            return self.answer(404, {}, {"X-Error-Code": "RepoNotFound"})
        if revision not in repository.branches:
            return self.answer(404, {}, {"X-Error-Code": "RevisionNotFound"})
        return self.answer(
            200, {"id": name, "sha": repository.sha(revision), "private": repository.private, "siblings": []}
        )

    def contents(self, name: str, sha: str) -> dict[str, bytes]:
        repository = self.server.repositories[name]
        files = next(files for branch, files in repository.branches.items() if repository.sha(branch) == sha)
        return files | dict.fromkeys(self.server.listed, b"planted")

    def tree(self, name: str, sha: str) -> None:
        files = self.contents(name, sha)
        listing = [
            {"type": "file", "oid": hashlib.sha1(content).hexdigest(), "size": len(content), "path": path}
            for path, content in files.items()
        ]
        self.answer(200, listing)

    def resolve(self, name: str, sha: str, path: str) -> None:
        content = self.contents(name, sha).get(path)
        if content is None:
            return self.answer(404, {}, {"X-Error-Code": "EntryNotFound"})
        etag = f'"{self.server.etag}{hashlib.sha1(content).hexdigest()}"'
        return self.send(200, content, {"ETag": etag, "X-Repo-Commit": sha})


NAME = r"([\w.-]+/[\w.-]+)"
ANSWERS = {
    ("POST", "/api/repos/create"): Handler.create,
    ("POST", "/api/validate-yaml"): Handler.validate,
    ("POST", f"/api/models/{NAME}/branch/(.+)"): Handler.branch,
    ("POST", f"/api/models/{NAME}/preupload/(.+)"): Handler.preupload,
    ("POST", f"/{NAME}.git/info/lfs/objects/batch"): Handler.batch,
    ("PUT", r"/lfs/(\w+)"): Handler.upload,
    ("POST", f"/{NAME}/lfs/verify"): Handler.verify,
    ("POST", f"/api/models/{NAME}/commit/(.+)"): Handler.commit,
    ("GET", f"/api/models/{NAME}"): Handler.info,
    ("GET", f"/api/models/{NAME}(/revision/)(.+)"): Handler.info,
    ("GET", f"/api/models/{NAME}/tree/([0-9a-f]+)"): Handler.tree,
    ("HEAD", f"/{NAME}/resolve/([0-9a-f]+)/(.+)"): Handler.resolve,
    ("GET", f"/{NAME}/resolve/([0-9a-f]+)/(.+)"): Handler.resolve,
}


@contextmanager
def serve() -> Iterator[Hub]:
    """Runs a hub of its own for the block."""
    hub = Hub()
    thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.released.set()
        hub.shutdown()
        hub.server_close()


@contextmanager
def mirror(folder: Path) -> Iterator[str]:
    """Serves the git repositories FOLDER/models/USER/NAME by olah, a mirror that others wrote; gives its address."""
    home = folder.parent / "olah"
    home.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (home / "olah.toml").write_text(
        f'[basic]\nhost = "127.0.0.1"\nport = {port}\nrepos-path = "{home / "cache"}"\n'
        f'mirrors-path = ["{folder}"]\n[accessibility]\noffline = true\n'
    )
    with (home / "said").open("w") as said:
        words = [sys.executable, "-m", "olah.server", "-c", str(home / "olah.toml"), "--log-path", str(home / "logs")]
        process = subprocess.Popen(words, stdout=said, stderr=said, cwd=home)
    try:
        for _ in range(1200):
            assert process.poll() is None, (home / "said").read_text()
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()
