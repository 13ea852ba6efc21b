// One answer as it comes in: text, tool calls, vectors; then what it took and where its log is.
import { h, icon } from "./dom.js";

const STATE_ICONS = { cache: "zap", retry: "rotate-cw", fallback: "git-branch", loadbalance: "network" };
const STATES = { succeeded: "Succeeded", failed: "Failed", stopped: "Stopped", unknown: "Outcome unknown" };

export class Answer {
  #choices = new Map();
  #tools = new Map();

  constructor() {
    this.state = h("span", { class: "badge pg-state", role: "status" }, "Running…");
    this.said = h("div", { class: "pg-said" });
    this.facts = h("dl", { class: "pg-facts" });
    this.links = h("p", { class: "row pg-links" });
    this.element = h("div", { class: "pg-answer running" }, h("p", { class: "row" }, this.state), this.said, this.facts, this.links);
  }

  on(name, data) {
    this[`_${name}`]?.(data);
  }

  _text({ choice, kind, text }) {
    const key = `${choice}/${kind}`;
    if (!this.#choices.has(key)) {
      const shown = h("div", { class: "plain" });
      const caption = kind === "content" ? (choice ? `Choice ${choice + 1}` : "") : kind;
      this.said.append(h("div", { class: `pg-choice ${kind}` }, caption && h("p", { class: "role" }, caption), shown));
      this.#choices.set(key, shown);
    }
    this.#choices.get(key).append(text);
  }

  _tool({ choice, index, id, name, arguments: more }) {
    const key = `${choice}/${index}`;
    if (!this.#tools.has(key)) {
      const parts = { name: h("code"), id: h("span", { class: "muted mono end cut" }), given: h("pre", { class: "json" }) };
      this.said.append(
        h("details", { class: "card call", open: true }, h("summary", {}, icon("wrench"), " ", h("span", { class: "muted" }, "calls"), " ", parts.name, " ", parts.id), parts.given),
      );
      this.#tools.set(key, parts);
    }
    const parts = this.#tools.get(key);
    if (name) parts.name.textContent = name;
    if (id) parts.id.textContent = id;
    parts.given.append(more ?? "");
  }

  _vector({ index, dimensions, norm }) {
    this.said.append(h("p", { class: "muted" }, `Embedding ${index}: ${dimensions.toLocaleString("en")} dimensions, norm ${Number(norm.toPrecision(6))}`));
  }

  _done(data) {
    this.end(data.state, data.error);
    const { tokens, cost, latency_ms: latency, time_to_first_token_ms: first, finish_reason: reason } = data;
    this.fact("Status", data.status_code);
    if (tokens?.total !== null && tokens) this.fact("Tokens", `${(tokens.input ?? 0).toLocaleString("en")} in, ${(tokens.output ?? 0).toLocaleString("en")} out${tokens.origin === "estimated" ? " (estimated)" : ""}`);
    if (cost) this.fact("Cost", `${Number(cost.cents.toPrecision(3))} cents`);
    this.fact("Latency", duration(latency));
    this.fact("First token", duration(first));
    this.fact("Finish reason", reason);
    if (data.gateway) this.state.after(pill(data.gateway));
  }

  /** How it ended; an error in the words of whoever refused. */
  end(state, error) {
    this.element.classList.remove("running");
    this.element.dataset.state = state;
    this.state.textContent = STATES[state] ?? state;
    this.state.className = `badge pg-state ${{ succeeded: "green", failed: "red" }[state] ?? "amber"}`;
    if (error) {
      const kind = [error.type, error.code].filter(Boolean).join(", ");
      this.said.append(h("div", { class: "callout red", role: "alert" }, kind && h("strong", {}, kind), h("span", { class: "plain" }, error.message ?? "")));
    }
  }

  /** One more number below the answer. */
  fact(name, value) {
    if (value === null || value === undefined || value === "") return;
    this.facts.append(h("div", {}, h("dt", {}, name), h("dd", {}, String(value))));
  }
}

function duration(ms) {
  if (ms === null || ms === undefined) return "";
  return ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** The four states as the list draws them. */
function pill(gateway) {
  const groups = Object.keys(STATE_ICONS);
  const words = groups.map((group) => gateway[group].label);
  const short = { retry: gateway.retry.state === "success" && gateway.retry.count, fallback: gateway.fallback.state === "triggered" && gateway.fallback.option };
  return h(
    "span",
    { class: "pill", title: words.join(", "), data: { tip: "pill" } },
    groups.map((group, index) =>
      h(
        "span",
        { class: "state", data: { status: group, state: gateway[group].state } },
        gateway[group].state === "unknown" ? "–" : icon(STATE_ICONS[group], 16),
        Number.isInteger(short[group]) && h("span", { class: "short", "aria-hidden": "true" }, String(short[group])),
        h("span", { class: "sr" }, words[index] + (index < 3 ? ", " : "")),
      ),
    ),
  );
}
