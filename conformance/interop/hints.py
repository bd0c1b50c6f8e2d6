"""What `up` prints is pasted, line by line, into one shell: a newcomer's first five minutes.

    python hints.py OFFLINE365_BINARY STATE_FOLDER
"""

import json
import os
import re
import signal
import subprocess
import sys

held = 0


def hold(what, condition, detail=""):
    global held
    if not condition:
        print(f"FAILED: {what}\n{detail}", file=sys.stderr)
        up.terminate()
        sys.exit(1)
    held += 1
    print(f"  ok  {what}")


binary, state = sys.argv[1:3]
free = [word for option in ("login", "graph", "lab", "mcp", "host") for word in (f"--{option}", "localhost:0")]
up = subprocess.Popen([binary, "up", "--state", state, *free], stdout=subprocess.PIPE, text=True)
printed = ""
while "/lab/unmodelled" not in printed:
    line = up.stdout.readline()
    hold("up prints its hints to the end", line, printed) if not line else None
    printed += line
# check and broken are stages of their own.
commands = [line.strip() for line in printed.splitlines() if line.startswith("    ")]
commands = [command for command in commands if not re.search(r" (check|broken)$", command)]
hold("there is something to paste", len(commands) >= 9, printed)


def paste(lines):
    """Runs the lines in one shell; what each printed, in order. A line that fails ends it."""
    mark = "--offline365-next--"
    script = f"\nprintf '%s' '{mark}'\n".join(lines)
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, timeout=180, stdin=subprocess.DEVNULL)
    hold(f"{len(lines)} lines run", done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}\n{script}")
    return dict(zip(lines, done.stdout.split(mark)))


outputs = paste(commands)


def output(pattern):
    command = next((command for command in outputs if re.search(pattern, command)), None)
    hold(f"a hint for {pattern}", command, commands)
    return outputs[command]


mail = json.loads(output(r"/me/messages"))
hold("Alice's mail is listed with curl", mail["value"] and mail["value"][0]["subject"], mail)
call = output(r'"name":"outlook_email_search"')
hold("a tool is called with curl", '"uri"' in call or '\\"uri\\"' in call, call)
hold("the MCP inspector calls a tool", "alice@contoso.example" in output("inspector"), output("inspector"))
host = output(r"/api/tools/")
hold("the assistant's back end calls a tool for her", '"uri' in host.replace("\\", "") and "error" not in json.loads(host), host)
hold("nothing was unmodelled", json.loads(output("/lab/unmodelled"))["count"] == 0, output("/lab/unmodelled"))

# The revoke line, then the search line again: refused, with the permission and who can restore it; then the consent line.
setup = [command for command in commands if re.match(r"(CA|CODE|TOKEN)=", command)]
revoke, consent = (next(c for c in commands if f"/lab/grants/{what}" in c) for what in ("revoke", "consent"))
search = next(command for command in commands if '"name":"outlook_email_search"' in command)
again = paste([*setup, revoke, search, consent])
hold("after the revoke line the search names Mail.Read", "Mail.Read" in again[search] and "isError" in again[search], again[search])
hold("after the consent line it works again", '"uri' in paste([*setup, search])[search].replace("\\", ""), "")

printed_env = subprocess.run([binary, "env", "--state", state, "--format", "json"], capture_output=True, text=True, check=True).stdout
hold("env prints the same addresses", json.loads(printed_env)["OFFLINE365_GRAPH_URL"] in printed, printed_env)

up.send_signal(signal.SIGINT)
rest = up.stdout.read()
hold("Ctrl-C ends it with status 0", up.wait(timeout=10) == 0, rest)
hold("the unmodelled count is printed at the end", "unmodelled requests: 0" in rest, rest)
hold("the ready file is withdrawn", not os.path.exists(os.path.join(state, "ready.json")))
print(f"{held} passed, 0 failed")
