// What is run side by side: the request as it stands, and up to three with another model, target or parameters.
import { Answer } from "./answer.js";
import { Refused, run } from "./events.js";
import { h, iconButton } from "./dom.js";
import * as json from "./json.js";

const MAX_COLUMNS = 4; // what can be read beside each other

export class Columns extends EventTarget {
  #columns = [];
  #stops = new Set();

  /** `fields(text)` gives the fields of a run besides target, group and label; `text` is null for "as it was". */
  constructor({ root, doc, target, fields, url, stopUrl, token, compareUrl, compareJsonUrl }) {
    super();
    Object.assign(this, { root, doc, target, fields, url, stopUrl, token, compareUrl, compareJsonUrl });
    this.add();
  }

  get isRunning() {
    return this.#stops.size > 0;
  }

  get canGrow() {
    return this.#columns.length < MAX_COLUMNS;
  }

  /** What a draft remembers: the changes of the columns after the first. */
  get state() {
    return this.#columns.slice(1).map(({ model, target, changes }) => ({ model: model.value, target: target.value, changes: changes.value }));
  }

  add(given = {}) {
    const number = this.#columns.length + 1;
    const column = { answers: h("div", { class: "pg-answers" }) };
    const head = number === 1 ? h("p", { class: "pg-first muted" }, "As in the request") : this.#settings(column, given);
    column.element = h("section", { class: "pg-column", "aria-label": `Answers ${number}` }, head, column.answers);
    this.#columns.push(column);
    this.root.append(column.element);
    this.#count();
  }

  #settings(column, { model = "", target = "", changes = "" }) {
    column.model = h("input", { "aria-label": "Model", placeholder: "the same model", list: "pg-models", value: model });
    column.target = this.target.cloneNode(true);
    column.target.removeAttribute("id");
    column.target.removeAttribute("name");
    column.target.setAttribute("aria-label", "Target");
    const same = h("option", { value: "" }, "the same target");
    column.target.querySelector('option[value=""]')?.remove();
    column.target.prepend(same);
    column.target.value = target;
    column.changes = h("textarea", { class: "pg-text mono", rows: "1", "aria-label": "Other parameters, as JSON", placeholder: '{"temperature": 0}', value: changes });
    const changed = () => this.dispatchEvent(new Event("change"));
    for (const each of [column.model, column.target, column.changes]) each.addEventListener("input", changed);
    const remove = () => {
      this.#columns = this.#columns.filter((each) => each !== column);
      column.element.remove();
      this.#count();
    };
    return h("header", { class: "pg-column-head" }, column.model, column.target, column.changes, iconButton("x", "Remove this column", remove));
  }

  #count() {
    this.root.dataset.columns = this.#columns.length;
    this.dispatchEvent(new Event("change"));
  }

  /** Runs every column `times` times: the columns at once, the times one after the other. */
  async run(times) {
    const group = this.#columns.length * times > 1 ? uuid() : null;
    const whole = new AbortController();
    this.#stops.add(whole);
    this.dispatchEvent(new Event("running"));
    for (const column of this.#columns) column.answers.replaceChildren();
    await Promise.all(this.#columns.map((column) => this.#runColumn(column, times, group, whole.signal)));
    this.#stops.delete(whole);
    this.dispatchEvent(new Event("running"));
  }

  stop() {
    for (const each of this.#stops) each.abort();
  }

  async #runColumn(column, times, group, signal) {
    for (let time = 1; time <= times && !signal.aborted; time += 1) {
      const answer = new Answer();
      column.answers.prepend(answer.element);
      await this.#runOnce(column, answer, group, signal);
    }
  }

  async #runOnce(column, answer, group, signal) {
    let started = null;
    try {
      const { text, target, label } = this.#request(column);
      await run(
        this.url,
        { ...this.fields(text), target, group, label },
        {
          signal,
          token: this.token,
          on: (name, data) => {
            answer.on(name, data);
            if (name === "run") started = data;
            if (name === "done") this.#link(answer, { ...started, ...data });
          },
        },
      );
      if (answer.element.classList.contains("running")) answer.end("unknown", { message: "The answer ended before its end." });
    } catch (error) {
      if (signal.aborted) {
        answer.end("stopped");
        if (started) fetch(this.stopUrl.replace("00000000-0000-0000-0000-000000000000", started.run), { method: "POST", headers: { "x-csrftoken": this.token } });
      } else if (error instanceof Refused) answer.end("failed", { message: error.message });
      else answer.end("failed", { message: "The connection to the server broke. The run may have gone on: look at the attempts." });
    }
    this.dispatchEvent(new CustomEvent("attempt"));
  }

  #link(answer, { log, log_url: url, log_id: id }) {
    if (!log) return; // it never became one
    answer.links.append(h("a", { class: "button quiet small", href: url }, "Its log"));
    const original = this.fields(null).log;
    if (!original) return;
    const pair = `?a=${original}&b=${id}`;
    answer.links.append(h("a", { class: "button quiet small", href: this.compareUrl + pair }, "Compare with the original"));
    if (log.request_type === "embedding") this.#distance(answer, pair);
  }

  /** How far an embedding points away from the original's. */
  async #distance(answer, pair) {
    const found = await fetch(this.compareJsonUrl + pair).catch(() => null);
    const distances = found?.ok ? (await found.json()).embeddings.map((each) => each.cosine_distance) : [];
    const known = distances.filter((each) => each !== null);
    if (known.length) answer.fact("Cosine distance to the original", known.map((each) => each.toFixed(6)).join(", "));
  }

  /** The text to send (null where it is the original, to the byte), the target and what the attempt is called. */
  #request(column) {
    if (!column.model) return { text: this.doc.isEdited ? this.doc.text : null, target: this.target.value, label: "" };
    let { text } = this.doc;
    const changes = changesOf(column.changes.value);
    if (column.model.value) changes.model = column.model.value;
    for (const [name, value] of Object.entries(changes)) text = json.set(text, [name], JSON.stringify(value));
    const label = Object.entries(changes).map(([name, value]) => (name === "model" ? value : `${name} ${JSON.stringify(value)}`)).join(", ");
    const same = !Object.keys(changes).length && !this.doc.isEdited;
    return { text: same ? null : text, target: column.target.value || this.target.value, label: label.slice(0, 100) };
  }
}

function changesOf(text) {
  if (!text.trim()) return {};
  try {
    const value = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value;
  } catch {
    // said below
  }
  throw new Refused('The other parameters of this column are no JSON object, such as {"temperature": 0}.');
}

/** A random UUID; crypto.randomUUID is missing on pages without TLS. */
function uuid() {
  const octets = crypto.getRandomValues(new Uint8Array(16));
  octets[6] = (octets[6] & 0x0f) | 0x40;
  octets[8] = (octets[8] & 0x3f) | 0x80;
  const hex = [...octets].map((each) => each.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
