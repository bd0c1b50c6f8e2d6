// Profile, people, mail, calendars, batches, and what clients do by themselves about 429 and a challenge.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BatchRequestContent, BatchResponseContent, PageIterator } from "@microsoft/microsoft-graph-client";
import { BatchRequestBuilder, BatchRequestContent as Batch } from "@microsoft/msgraph-sdk-core";
import { graph, newer, older } from "./clients.mjs";
import { env, lab, tenant } from "./house.mjs";

const day = 86_400_000;
const moment = (days) => new Date(Date.now() + days * day).toISOString();

test("microsoft-graph-client: profile, people, organization", async () => {
  const client = await older();
  assert.equal((await client.api("/me").get()).userPrincipalName, env.OFFLINE365_CONTOSO_ALICE);
  assert.ok((await client.api("/me/memberOf").get()).value.length);
  assert.equal((await client.api("/organization").get()).value[0].id, tenant);
  assert.ok((await client.api("/me/photo/$value").get()).size > 20);
  const users = await client.api("/users").header("ConsistencyLevel", "eventual").count(true).search('"displayName:bob"').get();
  assert.equal(users["@odata.count"], 1);
});

test("microsoft-graph-client: mail by pages to the end, attachments", async () => {
  const client = await older();
  const ids = new Set();
  const iterator = new PageIterator(client, await client.api("/me/messages").top(3).select("id").get(), (message) => ids.add(message.id) && true);
  await iterator.iterate();
  assert.equal(ids.size, (await client.api("/me/messages").top(1).count(true).get())["@odata.count"]);
  const [with_attachments] = (await client.api("/me/messages").filter("hasAttachments eq true").get()).value;
  const attachments = (await client.api(`/me/messages/${with_attachments.id}/attachments`).get()).value;
  assert.match(attachments[0]["@odata.type"], /Attachment$/);
  const file = attachments.find((attachment) => attachment["@odata.type"] === "#microsoft.graph.fileAttachment");
  const bytes = await client.api(`/me/messages/${with_attachments.id}/attachments/${file.id}/$value`).responseType("arraybuffer").get();
  assert.deepEqual(Buffer.from(bytes), Buffer.from(file.contentBytes, "base64"));
});

test("microsoft-graph-client: an immutable id outlives a move, and is translated", async () => {
  const client = await older();
  const [message] = (await client.api("/me/mailFolders/inbox/messages").top(1).select("id").get()).value;
  const kept = (await client.api(`/me/messages/${message.id}`).header("Prefer", 'IdType="ImmutableId"').get()).id;
  assert.notEqual(kept, message.id);
  const asked = { inputIds: [message.id], sourceIdType: "restId", targetIdType: "restImmutableEntryId" };
  assert.equal((await client.api("/me/translateExchangeIds").post(asked)).value[0].targetId, kept);
});

test("microsoft-graph-client: events, calendarView, findMeetingTimes", async () => {
  const client = await older();
  assert.ok((await client.api("/me/events").header("Prefer", 'outlook.timezone="Europe/Berlin"').get()).value[0].start.timeZone);
  const view = await client.api("/me/calendarView").query({ startDateTime: moment(-30), endDateTime: moment(30) }).top(50).get();
  assert.ok(view.value.some((event) => event.type === "occurrence"));
  const attendees = [{ type: "required", emailAddress: { address: env.OFFLINE365_CONTOSO_BOB } }];
  assert.ok((await client.api("/me/findMeetingTimes").post({ attendees, meetingDuration: "PT30M" })).meetingTimeSuggestions.length);
});

test("microsoft-graph-client: batch", async () => {
  const client = await older();
  const steps = ["/me", "/me/messages?$top=1"].map((path, at) => ({ id: String(at), request: new Request(graph.origin + path) }));
  const content = await new BatchRequestContent(steps).getContent();
  const answers = new BatchResponseContent(await client.api("/$batch").post(content));
  assert.deepEqual(["0", "1"].map((id) => answers.getResponseById(id).status), [200, 200]);
});

test("microsoft-graph-client: 429 is waited out and asked again", async () => {
  const client = await older();
  await lab("faults/add", { host: "graph", path: "/me", kind: "status", status: 429, retryAfter: 1, count: 1 });
  const began = Date.now();
  assert.ok((await client.api("/me").get()).id);
  assert.ok(Date.now() - began >= 1000, "it waited");
});

test("msgraph-sdk: profile, mail by pages, attachments", async () => {
  const { client } = await newer();
  assert.equal((await client.me.get()).userPrincipalName, env.OFFLINE365_CONTOSO_ALICE);
  const ids = new Set();
  let page = await client.me.messages.get({ queryParameters: { top: 5, select: ["id"] } });
  while (page) {
    for (const message of page.value) ids.add(message.id);
    page = page.odataNextLink ? await client.me.messages.withUrl(page.odataNextLink).get() : undefined;
  }
  const counted = await client.me.messages.get({ queryParameters: { top: 1, count: true } });
  assert.equal(ids.size, counted.odataCount);
  const found = await client.me.messages.get({ queryParameters: { filter: "hasAttachments eq true", top: 1 } });
  const attachments = await client.me.messages.byMessageId(found.value[0].id).attachments.get();
  assert.match(attachments.value[0].odataType, /Attachment$/);
});

test("msgraph-sdk: batch", async () => {
  const { adapter, client } = await newer();
  const batch = new Batch(adapter, {});
  const me = batch.addBatchRequest(client.me.toGetRequestInformation());
  const mail = batch.addBatchRequest(client.me.messages.toGetRequestInformation({ queryParameters: { top: 1 } }));
  const answers = await new BatchRequestBuilder(adapter, {}).postBatchResponseContentAsync(batch);
  const codes = await answers.getResponsesStatusCodes();
  assert.deepEqual([codes.get(me.id), codes.get(mail.id)], [200, 200]);
});

test("msgraph-sdk: events, calendarView, findMeetingTimes", async () => {
  const { client } = await newer();
  assert.ok((await client.me.events.get()).value.length);
  const window = { startDateTime: moment(-30), endDateTime: moment(30), top: 50 };
  const view = await client.me.calendarView.get({ queryParameters: window });
  assert.ok(view.value.some((event) => event.type === "occurrence"));
  const attendees = [{ type: "required", emailAddress: { address: env.OFFLINE365_CONTOSO_BOB } }];
  assert.ok((await client.me.findMeetingTimes.post({ attendees })).meetingTimeSuggestions.length);
});

test("msgraph-sdk: 429 is waited out; a challenge brings a new sign-in", async () => {
  const { client, credential } = await newer();
  await lab("faults/add", { host: "graph", path: "/me", kind: "status", status: 429, retryAfter: 1, count: 1 });
  const began = Date.now();
  assert.ok((await client.me.get()).id);
  assert.ok(Date.now() - began >= 1000, "it waited");
  await lab("users/revoke-sessions", { tenant: "contoso", user: "alice" });
  assert.ok((await client.me.get()).id);
  assert.equal(credential.challenges.length, 1);
});
