// The page: what the API says, shown; what people press, sent. Texts are set as text, never as markup.

const at = (id) => document.getElementById(id);
const state = { csrf: null, me: null, choices: null, chat: null, stream: null };

async function api(method, path, body) {
  const headers = {};
  if (state.csrf) headers["X-CSRF-Token"] = state.csrf;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    const error = new Error(told.error?.message ?? `The host answered ${answer.status}.`);
    error.code = told.error?.code;
    throw error;
  }
  return told;
}

function make(tag, text, props = {}) {
  const element = document.createElement(tag);
  if (text !== undefined) element.textContent = text;
  return Object.assign(element, props);
}

function say(text) {
  at("status").textContent = text;
  at("alert").textContent = "";
}

function complain(error) {
  at("status").textContent = "";
  at("alert").textContent = error.message;
}

// One press at a time: what it starts is awaited, what goes wrong is told, and the page then shows how things stand.
function pressed(element, event, work) {
  element.addEventListener(event, async (happened) => {
    happened.preventDefault();
    const button = element.tagName === "FORM" ? element.querySelector("button") : element;
    button.disabled = true;
    try {
      await work();
    } catch (error) {
      complain(error);
    } finally {
      button.disabled = false;
      await show().catch(complain);
    }
  });
}

async function show() {
  const { session, choices } = await api("GET", "/api/session");
  state.csrf = session?.csrfToken ?? null;
  state.choices = choices;
  at("entrance").hidden = Boolean(session);
  at("inside").hidden = !session;
  at("sign-out").hidden = !session;
  at("who").textContent = session ? `${session.user}${session.organization ? `, ${session.organization}` : ", personal account"}` : "";
  if (!session) {
    follow(null);
    showEntrance();
    return;
  }
  state.me = await api("GET", "/api/me");
  showOrganization();
  showConnection();
  const off = !state.me.organization?.connectorEnabled;
  const connected = state.me.connection.state === "connected";
  await Promise.all([showTools(!off && connected), showChats()]);
  await showChat();
}

function showEntrance() {
  const organization = at("organization");
  if (organization.options.length > 0) return;
  if (!state.choices) {
    pickedByProxy();
    return;
  }
  state.choices.forEach((choice, index) =>
    organization.append(make("option", choice.organization ?? "none (a personal account)", { value: String(index) })));
  const people = () => {
    const { members } = state.choices[Number(organization.value)];
    at("user").replaceChildren(...members.map((name) => make("option", name, { value: name })));
  };
  organization.addEventListener("change", people);
  people();
}

// Where a proxy says who is there, there is nothing to pick.
function pickedByProxy() {
  at("organization").closest("div").hidden = true;
  at("user").closest("div").hidden = true;
  at("entrance").querySelector(".note").hidden = true;
}

function showOrganization() {
  const organization = state.me.organization;
  const facts = at("organization-facts");
  at("switch").hidden = !organization?.owner;
  at("consent").hidden = !organization?.connectorEnabled;
  if (!organization) {
    facts.textContent = "You belong to no organization. The Microsoft 365 connector is for members of one that has it on.";
    at("connector-state").textContent = "";
    return;
  }
  facts.textContent = `${organization.name}, ${organization.plan} plan. You are ${organization.owner ? "an owner" : "a member"}.`;
  at("connector-state").textContent = organization.connectorEnabled ? "The connector is on." : "The connector is off.";
  at("switch").textContent = organization.connectorEnabled ? "Switch the connector off" : "Switch the connector on";
}

function showConnection() {
  const { connection, organization } = state.me;
  const connected = connection.state === "connected";
  at("connect").hidden = connected || !organization?.connectorEnabled;
  at("disconnect").hidden = connection.state === "not_connected";
  at("connection-facts").textContent = connected
    ? `Connected as ${connection.account.username ?? connection.account.object_id}.`
    : connection.state === "sign_in_required" ? connection.message
      : "Not connected. Before anybody of your Microsoft 365 organization can, one of its administrators consents once for everybody.";
}

async function showTools(there) {
  at("tools-card").hidden = !there;
  const chat = state.chat ? `?chat=${state.chat}` : "";
  const tools = there ? (await api("GET", `/api/tools${chat}`).catch(() => ({ tools: [] }))).tools : [];
  const row = (tool, on, body) => {
    const box = make("input", undefined, { type: "checkbox", checked: on });
    pressed(box, "change", async () => {
      await api("PUT", `/api/tools/${tool.name}`, body(box.checked));
      say(`${tool.title ?? tool.name} is ${box.checked ? "on" : "off"}.`);
    });
    const label = make("label");
    label.append(box, make("span", tool.title ? `${tool.title} (${tool.name})` : tool.name));
    const item = make("li");
    item.append(label);
    return item;
  };
  at("tools").replaceChildren(...tools.map((tool) => row(tool, tool.on.user, (on) => ({ on }))));
  const inChat = tools.filter((tool) => tool.on.chat !== undefined);
  at("chat-tools").hidden = inChat.length === 0;
  at("chat-tools").querySelector("ul").replaceChildren(
    ...inChat.map((tool) => row(tool, tool.on.chat, (on) => ({ on, chat: state.chat }))));
}

async function showChats() {
  const { chats } = state.me.organization ? await api("GET", "/api/chats") : { chats: [] };
  if (state.chat && !chats.some((chat) => chat.id === state.chat)) state.chat = null;
  at("new-chat").hidden = !state.me.organization;
  at("chats").replaceChildren(...chats.map((chat) => {
    const button = make("button", chat.mine ? chat.title : `${chat.title} (from ${chat.owner})`, { className: "quiet", type: "button" });
    button.setAttribute("aria-current", String(chat.id === state.chat));
    pressed(button, "click", async () => {
      state.chat = chat.id;
      say("");
      // On a phone the chat is below the list.
      at("chat").focus();
      at("chat").scrollIntoView();
    });
    const item = make("li");
    item.append(button);
    return item;
  }));
}

async function showChat() {
  const open = state.chat !== null;
  for (const id of ["ask", "share", "chat-actions"]) at(id).hidden = !open;
  if (!open) {
    follow(null);
    at("chat-title").textContent = "No chat is open";
    at("chat-facts").textContent = "";
    at("turns").replaceChildren();
    at("chat-tools").hidden = true;
    return;
  }
  const chat = await api("GET", `/api/chats/${state.chat}`);
  at("chat-title").textContent = chat.title;
  at("chat-facts").textContent = chat.mine
    ? (chat.sharedWith.length ? `Shared with ${chat.sharedWith.join(", ")}.` : "Yours alone.")
    : `${chat.owner} shared this with you. You see answers; results are for whoever asked.`;
  at("share").hidden = !chat.mine;
  at("delete").hidden = !chat.mine;
  if (!chat.mine) at("chat-tools").hidden = true;
  const others = state.me.organization.members.filter((name) => name !== state.me.user && !chat.sharedWith.includes(name));
  at("colleague").replaceChildren(...others.map((name) => make("option", name, { value: name })));
  const expanded = new Set([...document.querySelectorAll("details[open]")].map((box) => box.dataset.turn));
  at("turns").replaceChildren(...chat.turns.map((turn) => turnShown(turn, expanded)));
  follow(state.chat);
}

function turnShown(turn, open) {
  const item = make("li", undefined, { className: `turn ${turn.state}` });
  item.append(make("p", `${turn.asker} asked`, { className: "asker" }), make("p", turn.question));
  item.append(make("p", turn.answer ?? "Asking…", { className: "answer" }));
  if (turn.call) {
    const box = make("details");
    box.dataset.turn = String(turn.number);
    box.open = open.has(box.dataset.turn);
    box.append(make("summary", `Tool call: ${turn.call.tool}, for your eyes only`));
    // Long texts scroll, by keyboard too.
    const code = (value) => make("pre", JSON.stringify(value, null, 2), { tabIndex: 0 });
    box.append(make("h3", "Arguments"), code(turn.call.arguments));
    box.append(make("h3", "Result"), code(turn.call.result.structuredContent ?? turn.call.result));
    item.append(box);
  } else if (turn.tool) {
    item.append(make("p", `Answered with ${turn.tool}; its result is for ${turn.asker} alone.`, { className: "note" }));
  }
  return item;
}

// New turns of others appear by themselves.
function follow(chat) {
  if (state.stream?.chat === chat) return;
  state.stream?.source.close();
  state.stream = null;
  if (!chat) return;
  const source = new EventSource(`/api/chats/${chat}/events`);
  let known = false;
  source.addEventListener("turn", () => {
    if (known) showChat().catch(() => {});
  });
  source.addEventListener("error", () => {
    source.close();
    if (state.stream?.source === source) state.stream = null;
  });
  setTimeout(() => { known = true; }, 500);
  state.stream = { chat, source };
}

pressed(at("enter"), "submit", async () => {
  const choice = state.choices?.[Number(at("organization").value)];
  const organization = choice?.organization ?? undefined;
  await api("POST", "/api/session", state.choices ? { user: at("user").value, organization } : {});
  state.chat = null;
  say("Signed in to the assistant.");
});
pressed(at("sign-out"), "click", async () => {
  await api("DELETE", "/api/session");
  state.csrf = null;
  state.chat = null;
  say("Signed out.");
});
pressed(at("switch"), "click", async () => {
  const connectorEnabled = !state.me.organization.connectorEnabled;
  await api("POST", "/api/organization", { connectorEnabled });
  say(`The connector is ${connectorEnabled ? "on" : "off"} for everybody in ${state.me.organization.name}.`);
});
pressed(at("connect"), "click", async () => {
  const { authorizationUrl } = await api("POST", "/api/connect", {});
  location.assign(authorizationUrl);
});
pressed(at("consent"), "click", async () => {
  const { authorizationUrl } = await api("POST", "/api/admin-consent", {});
  location.assign(authorizationUrl);
});
pressed(at("disconnect"), "click", async () => {
  await api("POST", "/api/disconnect");
  say("Disconnected. Your tokens are gone.");
});
pressed(at("new-chat"), "click", async () => {
  const chat = await api("POST", "/api/chats", { title: `Chat ${at("chats").children.length + 1}` });
  state.chat = chat.id;
  say("A chat is open.");
});
pressed(at("ask"), "submit", async () => {
  const question = at("question").value;
  at("question").value = "";
  say("Asking…");
  await api("POST", `/api/chats/${state.chat}/ask`, { question });
  say("Answered.");
});
pressed(at("share"), "submit", async () => {
  const colleague = at("colleague").value;
  await api("POST", `/api/chats/${state.chat}/share`, { with: [colleague] });
  say(`Shared with ${colleague}.`);
});
pressed(at("export"), "click", async () => {
  const { markdown } = await api("GET", `/api/chats/${state.chat}/export`);
  const link = make("a", undefined, { href: URL.createObjectURL(new Blob([markdown], { type: "text/markdown" })), download: "chat.md" });
  link.click();
  URL.revokeObjectURL(link.href);
  say("Exported as chat.md.");
});
pressed(at("delete"), "click", async () => {
  await api("DELETE", `/api/chats/${state.chat}`);
  state.chat = null;
  say("Deleted, with every result in it.");
});

const came = new URLSearchParams(location.search);
if (came.has("connected")) say("Your Microsoft 365 account is connected.");
if (came.has("consented")) say("Both applications are let in; people of your organization can connect now.");
if (came.size > 0) history.replaceState(null, "", "/");
show().catch(complain);
