"""The official MCP inspector, command-line mode, in both protocol eras: lists and calls the connector's tools."""

import json
import os
import subprocess
import sys

from bench import MCP, Person, finish, hold

NODE, CLI = os.environ["INTEROP_NODE"], os.environ["INTEROP_INSPECTOR"]
token = Person("contoso", "alice").sign_in_by_redirect()["access_token"]


def inspect(era, *arguments, bearer=token):
    command = [NODE, CLI, "--cli", MCP, "--transport", "http", "--protocol-era", era, "--format", "json", "--quiet"]
    if bearer:
        command += ["--header", f"Authorization: Bearer {bearer}"]
    # The inspector waits for a server command on a standard input that stays open.
    return subprocess.run(command + list(arguments), capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)


def ask(era, *arguments):
    done = inspect(era, *arguments)
    if done.returncode != 0:
        sys.exit(f"FAILED: inspector {era} {arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return json.loads(done.stdout)["result"]


def call(era, tool, **arguments):
    pairs = [f"{name}={value}" for name, value in arguments.items()]
    return ask(era, "--method", "tools/call", "--tool-name", tool, *(["--tool-arg", *pairs] if pairs else []))


def structured(result):
    """The result as data: structured, or the JSON of its text."""
    return result.get("structuredContent") or json.loads(result["content"][0]["text"])


for era in ("legacy", "modern"):
    tools = {tool["name"]: tool for tool in ask(era, "--method", "tools/list")["tools"]}
    wanted = {"get_me", "outlook_email_search", "read_resource"}
    hold(f"{era}: the tools are listed", wanted <= tools.keys(), tools.keys())
    hold(f"{era}: every tool says that it only reads", all(t["annotations"]["readOnlyHint"] for t in tools.values()), tools)

    me = call(era, "get_me")
    hold(f"{era}: get_me is Alice", "alice@contoso.example" in json.dumps(me), me)

    found = call(era, "outlook_email_search", query="budget")
    items = structured(found).get("items", [])
    hold(f"{era}: a search finds mail", not found.get("isError") and items, found)
    read = call(era, "read_resource", uri=items[0]["uri"])
    hold(f"{era}: the hit is read", not read.get("isError") and structured(read)["content"], read)

    unknown = inspect(era, "--method", "tools/call", "--tool-name", "read_resource", "--tool-arg", "uri=mail:///messages/no-such-id")
    hold(f"{era}: an unknown id is an error that names itself", "NOT_FOUND" in unknown.stdout + unknown.stderr, unknown)

refused = inspect("modern", "--method", "tools/list", bearer=None)
hold("without a token nothing is listed", refused.returncode != 0, refused.stdout)
finish()
