// The page: one conversation per tab, streamed from /chat/stream. Text from outside is only ever textContent.
//
// A message that is not answered yet is kept with its idempotency key: after a reload, or a lost connection,
// the same request is sent again and the server tells the same turn from its beginning.

const KEPT = "antiphon";
const NEAR_END_PX = 80;

const byId = (id) => document.getElementById(id);
const transcript = byId("transcript");
const scroller = document.querySelector("main");
const composer = byId("composer");
const message = byId("message");
const send = byId("send");

const chat = restored() ?? fresh();
let running = null; // the AbortController of the answer under way

function fresh() {
  return { session: `tab-${randomName()}`, entries: [], pending: null };
}

function restored() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT));
  } catch {
    return null;
  }
}

function keep() {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(chat));
  } catch {
    // The tab's storage is full or forbidden: the chat goes on, a reload forgets it.
  }
}

// crypto.randomUUID is only there on https and on this machine.
function randomName() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Showing

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

function show(entry) {
  const item = element("li", entry.role);
  item.append(element("p", "", entry.text));
  if (entry.facts) item.append(element("p", "facts", entry.facts));
  transcript.append(item);
  byId("greeting").hidden = true;
  return item;
}

function showFailure(item, sentence, action, onAction) {
  const box = element("div", "failure");
  box.setAttribute("role", "alert");
  box.append(element("p", "", sentence));
  const button = element("button", "", action);
  button.type = "button";
  button.addEventListener("click", onAction);
  box.append(button);
  item.append(box);
}

function atEnd() {
  return scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_END_PX;
}

function toEnd() {
  scroller.scrollTop = scroller.scrollHeight;
}

function factsOf(done) {
  const read = done.usage.input_tokens + done.usage.cache_read_tokens
    + done.usage.cache_write_5m_tokens + done.usage.cache_write_1h_tokens;
  const cost = done.cost_usd === "0" ? "free" : `$${done.cost_usd}`;
  const cut = done.stop_reason === "max_tokens" ? " · cut at the longest answer allowed" : "";
  return `${done.model} · ${read} tokens read, ${done.usage.output_tokens} written · ${cost}${cut}`;
}

// The stream

async function* frames(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      if (block.startsWith("data: ")) yield JSON.parse(block.slice(6));
    }
  }
}

async function request({ text, key }, signal) {
  const response = await fetch("/chat/stream", {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": key },
    body: JSON.stringify({ session_id: chat.session, message: text }),
    signal,
  });
  if (response.ok) return response.body;
  const problem = await response.json().catch(() => null);
  throw new Refused(problem?.detail ?? `The server answered with status ${response.status}.`);
}

// The server said no: sending the same again would get the same answer.
class Refused extends Error {}

const LOST = "The connection to the server is lost. What was sent is kept there: reconnect to read the rest.";

async function answer() {
  const { pending } = chat;
  const item = show({ role: "assistant", text: "" });
  const said = item.firstChild;
  running = new AbortController();
  begin(item, said);
  try {
    const done = await tell(await request(pending, running.signal), said);
    const entry = { role: "assistant", text: said.textContent, facts: factsOf(done) };
    item.append(element("p", "facts", entry.facts));
    chat.entries.push(entry);
    chat.pending = null;
  } catch (error) {
    if (running === null || error.name === "AbortError") return;
    failed(item, said, error);
  } finally {
    end(item, said);
  }
}

// Shows text as it comes, once per animation frame; returns the last frame.
async function tell(body, said) {
  let waiting = "";
  const flush = () => {
    const follow = atEnd();
    said.textContent += waiting;
    waiting = "";
    if (follow) toEnd();
  };
  for await (const frame of frames(body)) {
    if (frame.text !== undefined) {
      if (!waiting) requestAnimationFrame(flush);
      waiting += frame.text;
      continue;
    }
    flush();
    if (frame.error) throw new Refused(frame.error.detail);
    return frame;
  }
  throw new TypeError("The stream ended early.");
}

function failed(item, said, error) {
  const again = (forget) => () => {
    if (running) return;
    item.remove();
    forget();
    keep();
    answer();
  };
  if (!(error instanceof Refused)) {
    showFailure(item, LOST, "Reconnect", again(() => {}));
    return;
  }
  const text = chat.pending.text;
  if (said.textContent) chat.entries.push({ role: "assistant", text: said.textContent });
  chat.pending = null;
  showFailure(item, error.message, "Send again", (event) => {
    if (running) return;
    event.currentTarget.remove();
    ask(text);
  });
}

function begin(item, said) {
  item.setAttribute("aria-busy", "true");
  said.className = "waiting";
  send.disabled = true;
  toEnd();
}

function end(item, said) {
  item.removeAttribute("aria-busy");
  said.className = "";
  send.disabled = false;
  running = null;
  keep();
  if (atEnd()) toEnd();
}

// What a person does

function ask(text) {
  const entry = { role: "user", text };
  chat.entries.push(entry);
  chat.pending = { text, key: randomName() };
  keep();
  show(entry);
  answer();
}

async function startAnew() {
  const left = chat.session;
  running?.abort();
  Object.assign(chat, fresh());
  keep();
  transcript.replaceChildren();
  byId("greeting").hidden = false;
  message.focus();
  await fetch(`/session/${left}`, { method: "DELETE" }).catch(() => {});
}

composer.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = message.value;
  if (running || !text.trim()) return;
  message.value = "";
  ask(text);
});

message.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    composer.requestSubmit();
  }
});

byId("new").addEventListener("click", startAnew);

async function introduce() {
  const about = await (await fetch("/about")).json();
  byId("model").textContent = about.model;
  byId("notice").textContent = about.notice;
  byId("notice").hidden = !about.notice;
}

introduce().catch(() => {});
chat.entries.forEach(show);
toEnd();
if (chat.pending) answer();
