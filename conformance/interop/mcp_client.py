"""The authorization scenarios of the official MCP conformance suite's client mode, against the connector's OAuth client.

The suite plays MCP server and authorization server; the client is `offline365-connector sign-in`, a person's browser is the request below. The scenarios that
must pass are named. The others stand in mcp-client-2026-07-28.toml with a reason and with the very checks that fail, so that everything else in them is held
to: a check that begins to fail, one that no longer does, and a scenario that nobody named are all errors.
"""

import json
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

HERE = Path(__file__).parent
REVISION = "2026-07-28"
# A client may be registered by an address that describes it. The suite expects this one.
BY_ADDRESS = "https://conformance-test.local/client-metadata.json"

MUST_PASS = {
    "basic-cimd",
    "iss-normalized",
    "iss-not-advertised",
    "iss-supported",
    "iss-supported-missing",
    "iss-unexpected",
    "iss-wrong-issuer",
    "metadata-issuer-mismatch",
    "offline-access-not-supported",
    "offline-access-scope",
    "resource-mismatch",
    "scope-from-scopes-supported",
    "scope-from-www-authenticate",
    "scope-omitted-when-undefined",
    "scope-retry-limit",
    "scope-step-up",
    "token-endpoint-auth-none",
}


def client(server):
    """Runs the connector's client as the suite wants a client to run, and is the person's browser."""
    import requests

    by_address = os.environ.get("MCP_CONFORMANCE_SCENARIO") == "auth/basic-cimd"
    name = BY_ADDRESS if by_address else "client-that-is-registered"
    command = [os.environ["INTEROP_CONNECTOR"], "sign-in", server, "--client-id", name, "--call", "test-tool"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        for line in running.stdout:
            if line.startswith("Sign in here: "):
                requests.get(line.split(": ", 1)[1].strip(), timeout=20)
    sys.exit(running.returncode)


def at_entra():
    """The same client at the running connector: it finds Entra by itself, and a person signs in on the page that it opens."""
    import requests

    environment = os.environ
    command = [environment["INTEROP_CONNECTOR"], "sign-in", environment["OFFLINE365_MCP_URL"], "--client-id", environment["OFFLINE365_CLIENT_ID"]]
    command += ["--entra", "--ca", environment["SSL_CERT_FILE"], "--call", "get_me"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        said = ""
        for line in running.stdout:
            said += line
            if line.startswith("Sign in here: "):
                address = line.split(": ", 1)[1].strip() + "&login_hint=" + environment["OFFLINE365_CONTOSO_ALICE"]
                requests.get(address, timeout=20)
    if running.returncode != 0 or "outlook_email_search" not in said or "alice@" not in said:
        sys.exit(f"FAILED: sign-in at the connector: {running.returncode}\n{said}")
    print("MCP: offline365-connector sign-in finds Entra through the connector, signs alice in and calls get_me")


def unmet(folder):
    """The checks of one run that did not succeed."""
    checks = json.loads((folder / "checks.json").read_text())
    if not checks:
        sys.exit(f"FAILED: {folder.name}: not a single check")
    return {check["id"] for check in checks if check["status"] in ("FAILURE", "WARNING")}


def main():
    excepted = tomllib.loads((HERE / f"mcp-client-{REVISION}.toml").read_text())
    bare = [name for name, row in excepted.items() if len(row["reason"]) < 20]
    if bare:
        sys.exit(f"FAILED: no reason: {bare}")
    with tempfile.TemporaryDirectory() as folder:
        command = f"{sys.executable} {__file__} client"
        suite = [os.environ["INTEROP_NODE"], os.environ["INTEROP_CONFORMANCE"], "client", "--command", command]
        # Its exit code speaks of scenarios that have nothing to do with authorization, too.
        done = subprocess.run([*suite, "--requirements", REVISION, "-o", folder], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300)
        ran = {}
        for run in Path(folder).glob("auth/*"):
            # NAME-2026-11-23T11-14-13-318Z
            ran[run.name.rsplit("-", 6)[0]] = unmet(run)
    wrong = [f"{name}: did not run" for name in (MUST_PASS | excepted.keys()) - ran.keys()]
    wrong += [f"{name}: nobody named it" for name in ran.keys() - MUST_PASS - excepted.keys()]
    wrong += [f"{name}: {sorted(ran[name])}" for name in MUST_PASS & ran.keys() if ran[name]]
    for name in excepted.keys() & ran.keys():
        if ran[name] != set(excepted[name]["checks"]):
            wrong.append(f"{name}: {sorted(ran[name])}, the exceptions are {sorted(excepted[name]['checks'])}")
    if wrong:
        print(done.stdout[-4000:], done.stderr[-2000:])
        sys.exit("FAILED: MCP client:\n" + "\n".join(sorted(wrong)))
    print(f"MCP {REVISION}, client mode: {len(MUST_PASS)} authorization scenarios pass, {len(excepted)} but for the checks that are excepted by name")


if len(sys.argv) > 2 and sys.argv[1] == "client":
    client(sys.argv[-1])
main()
at_entra()
