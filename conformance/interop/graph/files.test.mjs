// Files, chats and channels: children by pages, downloads, an upload that is refused, search, messages by pages.
import assert from "node:assert/strict";
import { test } from "node:test";
import { PageIterator } from "@microsoft/microsoft-graph-client";
import { newer, older } from "./clients.mjs";

const body = (entity, text) => ({ requests: [{ entityTypes: [entity], query: { queryString: text }, from: 0, size: 10 }] });

async function all(client, path, top) {
  const found = [];
  const iterator = new PageIterator(client, await client.api(path).top(top).get(), (item) => found.push(item) > 0);
  await iterator.iterate();
  return found;
}

test("microsoft-graph-client: children by pages, a download, a refused upload", async () => {
  const client = await older();
  const paged = await all(client, "/me/drive/root/children", 2);
  const whole = (await client.api("/me/drive/root/children").get()).value;
  assert.deepEqual(paged.map((item) => item.id).sort(), whole.map((item) => item.id).sort());
  assert.ok(paged.length > 2);
  const file = paged.find((item) => item.name === "notes.txt");
  const content = await client.api(`/me/drive/items/${file.id}/content`).responseType("arraybuffer").get();
  assert.equal(content.byteLength, file.size);
  assert.equal((await client.api("/me/drive/root:/notes.txt").get()).id, file.id);
  await assert.rejects(client.api("/me/drive/root:/new.txt:/content").put("new"), (error) => error.statusCode === 403);
});

test("microsoft-graph-client: search of a drive, of files, of what was said", async () => {
  const client = await older();
  const inDrive = (await client.api("/me/drive/root/search(q='notes')").get()).value;
  assert.ok(inDrive.some((item) => item.name === "notes.txt"));
  const files = (await client.api("/search/query").post(body("driveItem", "budget"))).value[0].hitsContainers[0];
  assert.ok(files.hits.length && files.hits.every((hit) => hit.resource["@odata.type"] === "#microsoft.graph.driveItem"));
  const said = (await client.api("/search/query").post(body("chatMessage", "budget"))).value[0].hitsContainers[0];
  assert.ok(said.hits.length && said.hits.every((hit) => /budget/i.test(hit.summary)));
});

test("microsoft-graph-client: chats and channels", async () => {
  const client = await older();
  const chats = (await client.api("/me/chats").get()).value;
  assert.deepEqual([...new Set(chats.map((chat) => chat.chatType))].sort(), ["group", "meeting", "oneOnOne"]);
  for (const chat of chats) {
    const ids = (await all(client, `/chats/${chat.id}/messages`, 2)).map((message) => message.id);
    assert.deepEqual(ids, [...new Set(ids)].sort().reverse());
    assert.ok((await client.api(`/chats/${chat.id}/members`).get()).value.length > 1);
  }
  let read = 0;
  for (const group of (await client.api("/me/memberOf").get()).value) {
    const channels = await client.api(`/teams/${group.id}/channels`).get().catch(() => ({ value: [] }));
    for (const channel of channels.value) {
      read += (await client.api(`/teams/${group.id}/channels/${channel.id}/messages`).get()).value.length;
    }
  }
  assert.ok(read > 3, `${read} messages`);
});

test("msgraph-sdk: the drive, chats and their messages by pages", async () => {
  const { client } = await newer();
  assert.equal((await client.me.drive.get()).driveType, "business");
  const chats = (await client.me.chats.get()).value;
  assert.ok(chats.length > 2);
  for (const chat of chats) {
    const messages = client.me.chats.byChatId(chat.id).messages;
    const ids = [];
    let page = await messages.get({ queryParameters: { top: 2 } });
    while (page) {
      ids.push(...page.value.map((message) => message.id));
      page = page.odataNextLink ? await messages.withUrl(page.odataNextLink).get() : undefined;
    }
    assert.deepEqual(ids, [...new Set(ids)].sort().reverse());
  }
});
