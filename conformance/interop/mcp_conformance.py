"""The official MCP conformance suite against the connector, in both protocol eras.

Its server mode can send no token, so a proxy in between adds one. It wants a server of its own tools (`test_*`, prompts, completion): what ours
lacks on purpose stands in mcp-<revision>.yaml with a reason per line. The suite fails on a line that no longer fails; this file fails on one that
names no scenario or gives no reason, and on a scenario of MUST_PASS that is not among those that passed.
"""

import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import requests
from bench import MCP, Person

HERE = Path(__file__).parent
NODE, CLI = os.environ["INTEROP_NODE"], os.environ["INTEROP_CONFORMANCE"]
TOKEN = Person("contoso", "alice").sign_in_by_redirect()["access_token"]
HOP = {"host", "connection", "content-length", "transfer-encoding", "accept-encoding", "keep-alive"}

MUST_PASS = {
    "2025-11-25": {"server-initialize", "ping", "tools-list", "resources-list"},
    "2026-07-28": {
        "tools-list",
        "resources-list",
        "sep-2164-resource-not-found",
        "server-sse-multiple-streams",
        "http-header-validation",
        "input-required-result-unsupported-methods",
    },
}


class Bearer(BaseHTTPRequestHandler):
    """Passes a request on, with a token; its own name becomes the connector's, any other name stays what it is."""

    protocol_version = "HTTP/1.1"

    def forward(self):
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length) if length else None
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
        ours = f"127.0.0.1:{self.server.server_port}", f"localhost:{self.server.server_port}"
        host = self.headers.get("host", "")
        headers["Host"] = urlsplit(MCP).netloc if host in ours else host
        headers["Authorization"] = f"Bearer {TOKEN}"
        answer = requests.request(self.command, MCP, data=body, headers=headers, timeout=60, allow_redirects=False)
        self.send_response(answer.status_code)
        for name, value in answer.headers.items():
            if name.lower() not in HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_GET = do_POST = do_DELETE = do_OPTIONS = forward

    def log_message(self, *_):
        pass


class Proxy(ThreadingHTTPServer):
    """Clients of the suite that hang up are no news."""

    daemon_threads = True

    def handle_error(self, *_):
        pass


def expected(revision):
    """The scenarios that are expected to fail. Each line has its reason, after the #."""
    path = HERE / f"mcp-{revision}.yaml"
    lines = [line for line in path.read_text().splitlines() if line.lstrip().startswith("- ")]
    bare = [line for line in lines if not re.match(r"\s*- [a-z0-9-]+ +# .{10,}", line)]
    if bare:
        sys.exit(f"FAILED: {path.name}: no reason: {bare}")
    return path, {line.split()[1] for line in lines}


proxy = Proxy(("127.0.0.1", 0), Bearer)
threading.Thread(target=proxy.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{proxy.server_port}/mcp"
for revision, must in MUST_PASS.items():
    path, failures = expected(revision)
    arguments = [NODE, CLI, "server", "--url", url, "--requirements", revision, "--expected-failures", str(path)]
    done = subprocess.run(arguments, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=500)
    ran = dict(re.findall(r"^[^\w\n]*\s*([a-z0-9-]+): (\d+ passed, \d+ failed)", done.stdout, re.MULTILINE))
    passed = {name for name, counts in ran.items() if counts.endswith(" 0 failed") and not counts.startswith("0 ")}
    if done.returncode != 0 or failures - ran.keys() or must - passed:
        print(done.stdout[-8000:], done.stderr[-2000:])
        sys.exit(f"FAILED: MCP {revision}: exit {done.returncode}; unknown {failures - ran.keys()}; not passed {must - passed}")
    print(f"MCP {revision}: {len(passed)} of {len(ran)} scenarios pass, {len(failures)} expected failures")
