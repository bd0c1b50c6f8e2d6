"""Real mail that nobody here wrote, through Graph: every message served, `$value` byte for byte, and read as CPython reads it.

    offline365 exec --mail alice@contoso.example=DIR … -- python compare_mail.py COLLECTION=TENANT/USER=DIR_OR_MBOX …

A message is found again by its bytes: `$value` of every served message is downloaded and looked up among the files. Subject,
sender and attachment count are then compared with what CPython's `email` parser says of the same bytes. Every difference is printed
and must have its row in explained.toml. At least 95 % of CPython's own mails, and of all mails together, must not differ at all.
"""

import email
import email.policy
import email.utils
import json
import mailbox
import re
import sys
import tomllib
import unicodedata
from pathlib import Path

import requests
from bench import MCP, Person, finish, graph, hold, on_behalf_of, pages

# (collection, file, field) -> why the served value rightly differs from CPython's.
EXPLAINED = tomllib.loads((Path(__file__).parent / "explained.toml").read_text())


def files(place):
    """Name and bytes of every message of a folder or an .mbox, as CPython delimits them."""
    place = Path(place)
    if place.is_dir():
        return {str(path.relative_to(place)): path.read_bytes() for path in sorted(place.rglob("*.eml"))}
    box = mailbox.mbox(place, create=False)
    return {f"{place.name}#{key}": box.get_bytes(key) for key in box.keys()}


def squeezed(text):
    """Folding and runs of white space do not count as a difference, nor does the Unicode form."""
    return " ".join(unicodedata.normalize("NFC", text or "").split())


def expected(raw):
    """Subject, sender's address and attachment count as CPython's parser has them."""
    message = email.message_from_bytes(raw, policy=email.policy.default)
    try:
        subject = str(message["subject"] or "")
    except Exception as error:  # CPython's header parser raises on some of its own test mails
        subject = f"(CPython raises {type(error).__name__})"
    # The older interface: the newer one raises on addresses such as "MAILER DAEMON <>".
    address = email.utils.parseaddr(str(email.message_from_bytes(raw).get("from", "")))[1]
    return {"subject": squeezed(subject), "sender": address.strip().lower(), "attachments": len(attachments(message))}


def leaves(part):
    """Parts that hold content; an attached message is one, whatever is in it."""
    if part.get_content_maintype() == "multipart" and part.is_multipart():
        for inner in part.get_payload():
            yield from leaves(inner)
    else:
        yield part


def attachments(message):
    """Every leaf that CPython's get_body() picks neither as the plain nor as the HTML body."""
    bodies = [message.get_body((kind,)) for kind in ("plain", "html")]
    return [part for part in leaves(message) if not any(part is body for body in bodies)]


def served(item, token):
    """The same three facts as Graph has them."""
    listed = graph(token, f"/me/messages/{item['id']}/attachments?$select=id,name,isInline").json()["value"]
    sender = ((item.get("from") or {}).get("emailAddress") or {}).get("address") or ""
    return {"subject": squeezed(item["subject"]), "sender": sender.strip().lower(), "attachments": len(listed)}


def compare(collection, person, place):
    token = on_behalf_of(person, person.sign_in_by_redirect()["access_token"])
    wanted = files(place)
    names = {}
    for name, raw in wanted.items():
        names.setdefault(raw, []).append(name)
    found, odd = [], []
    for item in pages(token, "/me/messages?$select=id,subject,from,hasAttachments&$top=50"):
        raw = graph(token, f"/me/messages/{item['id']}/$value").content
        (found if raw in names else odd).append((item, raw))
    hold(f"{collection}: all {len(wanted)} messages are served", len(found) + len(odd) == len(wanted), (len(found), len(odd)))
    hold(f"{collection}: $value is byte-identical for 100 %", not odd, [(i["subject"], r[:300]) for i, r in odd[:3]])

    rows = []
    for item, raw in found:
        name = names[raw].pop(0)
        left, right = expected(raw), served(item, token)
        rows += [(name, field, left[field], right[field]) for field in left if left[field] != right[field]]
    differing = {name for name, *_ in rows}
    share = 100 * (len(wanted) - len(differing)) / len(wanted)
    print(f"      {collection}: {share:.1f} % of {len(wanted)} messages equal to CPython's parser")
    for name, field, left, right in sorted(rows):
        why = EXPLAINED.get(collection, {}).get(f"{name} {field}")
        print(f"      {name:28} {field:11} CPython {left!r:.70}\n{'':45}served  {right!r:.70}\n{'':45}{why or 'NOT EXPLAINED'}")
    unexplained = [row for row in rows if f"{row[0]} {row[1]}" not in EXPLAINED.get(collection, {})]
    hold(f"{collection}: every difference is explained", not unexplained, unexplained)
    return len(wanted), len(differing)


def call(token, tool, **arguments):
    """One tool call over MCP, without a session."""
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json, text/event-stream"}
    answer = requests.post(MCP, json=body, headers=headers, timeout=60)
    text = answer.content.decode()
    if answer.headers.get("content-type", "").startswith("text/event-stream"):
        text = next(line[5:] for line in text.splitlines() if line.startswith("data:") and '"result"' in line)
    result = json.loads(text).get("result")
    if not result or result.get("isError"):
        sys.exit(f"FAILED: {tool} {arguments}: {answer.status_code} {answer.text[:800]}")
    return result["structuredContent"]


def read_to_the_end(person, query, page_of, last_words):
    """A search through the tool finds the mail; reading it page by page reaches its last words."""
    token = person.sign_in_by_redirect()["access_token"]
    hits = call(token, "outlook_email_search", query=query)["items"]
    hold(f"the tool finds {query!r}", hits, hits)
    text, cursor, turns = "", None, 0
    while True:
        page = call(token, "read_resource", uri=hits[0]["uri"], maxChars=page_of, **({"cursor": cursor} if cursor else {}))
        text, cursor, turns = text + page["content"], page.get("nextCursor"), turns + 1
        if not cursor:
            break
        if turns > 30:
            hold("reading comes to an end", False, text[-500:])
    hold(f"read_resource reaches {last_words!r} ({turns} pages)", turns > 1 and last_words in squeezed(text), text[-500:])


# What is looked for in a collection, how long a page of it is (several, and not more than a person may turn in a minute), and the last words of the
# mail that is found.
SOUGHT = {
    "cpython": ("Firewall", 400, "the Spam Firewall is set to block."),
    "mail-parser": ("обрушение", 4000, "когда начнется обрушение."),
}

total = differing = 0
for argument in sys.argv[1:]:
    collection, who, place = argument.split("=", 2)
    person = Person(*who.split("/"))
    messages, different = compare(collection, person, place)
    total, differing = total + messages, differing + different
    if collection == "cpython":
        hold("CPython's own mails: at least 95 % equal", 20 * different <= messages, (messages, different))
    if collection in SOUGHT:
        read_to_the_end(person, *SOUGHT[collection])
hold(f"all {total} mails together: {100 * (total - differing) / total:.1f} % equal (at least 95 %)", 20 * differing <= total)
finish()
