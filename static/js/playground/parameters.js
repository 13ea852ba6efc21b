// Parameters as a form, each with what it may be. A parameter that is not listed here is kept and shown as JSON.
import { bound, focusKey, h, iconButton } from "./dom.js";
import { rawField } from "./messages.js";

const number = (min, max, step = 1) => ({ kind: "number", min, max, step });
const choice = (...values) => ({ kind: "choice", values });
const yesNo = { kind: "choice", values: [true, false] };
const text = { kind: "text" };
const list = { kind: "list" };
const any = { kind: "json" };

const COMMON = {
  temperature: number(0, 2, 0.1),
  top_p: number(0, 1, 0.05),
  max_tokens: number(1),
  n: number(1, 128),
  stop: list,
  seed: number(),
  presence_penalty: number(-2, 2, 0.1),
  frequency_penalty: number(-2, 2, 0.1),
  logit_bias: any,
  stream: yesNo,
  stream_options: any,
  user: text,
};

/** What each endpoint takes, in the order in which it is offered. */
export const PARAMETERS = {
  "/v1/chat/completions": {
    ...COMMON,
    max_completion_tokens: number(1),
    response_format: any,
    reasoning_effort: choice("none", "minimal", "low", "medium", "high", "xhigh"),
    verbosity: choice("low", "medium", "high"),
    tool_choice: any,
    parallel_tool_calls: yesNo,
    logprobs: yesNo,
    top_logprobs: number(0, 20),
    modalities: list,
    service_tier: choice("auto", "default", "flex", "priority"),
    store: yesNo,
    metadata: any,
  },
  "/v1/completions": { ...COMMON, suffix: text, best_of: number(1, 20), echo: yesNo, logprobs: number(0, 5) },
  "/v1/embeddings": { dimensions: number(1), encoding_format: choice("float", "base64"), user: text },
};

const FIRST = { tool_choice: "auto", response_format: { type: "json_object" }, stream_options: { include_usage: true }, logit_bias: {}, metadata: {} };
const ELSEWHERE = ["model", "messages", "prompt", "input", "tools"];

/** Why a value does not fit its parameter; "" where it does, or where nobody knows. */
export function complaint(path, name, value) {
  const spec = PARAMETERS[path]?.[name];
  if (spec?.kind !== "number" || value === null) return "";
  if (typeof value !== "number") return `${name} should be a number`;
  const { min = -Infinity, max = Infinity } = spec;
  return value < min || value > max ? `${name} is ${value}; it goes ${range(spec)}` : "";
}

function range({ min, max }) {
  if (min === undefined) return "by any whole number";
  return max === undefined ? `from ${min} up` : `from ${min} to ${max}`;
}

export function parameters(doc, path) {
  const specs = PARAMETERS[path] ?? {};
  const given = Object.keys(doc.value ?? {}).filter((name) => !ELSEWHERE.includes(name));
  const missing = Object.keys(specs).filter((name) => !given.includes(name));
  const add = h(
    "select",
    { class: "pg-add", "aria-label": "Add a parameter", data: { key: "add-parameter" } },
    h("option", { value: "" }, "Add a parameter…"),
    missing.map((name) => h("option", { value: name }, name)),
  );
  add.addEventListener("change", () => {
    const name = add.value;
    if (!name) return;
    doc.set([name], first(name, specs[name]));
    focusKey(document, name);
  });
  return [h("dl", { class: "pg-parameters" }, given.map((name) => parameter(doc, path, name, specs[name] ?? any))), add];
}

function first(name, spec) {
  if (name in FIRST) return FIRST[name];
  if (spec.kind === "number") return Math.max(spec.min ?? 0, Math.min(1, spec.max ?? 1));
  return spec.kind === "choice" ? spec.values[0] : spec.kind === "list" ? [] : "";
}

function parameter(doc, path, name, spec) {
  const label = h("label", { for: `pg-${name}` }, name);
  return h(
    "div",
    {},
    h("dt", {}, label),
    h(
      "dd",
      {},
      control(doc, path, name, spec),
      spec.kind === "number" && h("span", { class: "hint" }, hint(spec)),
      h("span", { class: "spring" }),
      iconButton("x", `Remove ${name}`, () => doc.remove([name])),
    ),
  );
}

const hint = ({ min, max }) => (min === undefined ? "" : max === undefined ? `≥ ${min}` : `${min} – ${max}`);

function control(doc, path, name, spec) {
  const value = doc.value[name];
  const id = `pg-${name}`;
  if (spec.kind === "number" && typeof value === "number") {
    const { min, max, step = 1 } = spec;
    const input = h("input", { id, type: "number", min, max, step, value: doc.raw([name]) });
    const judge = () => mark(input, complaint(path, name, Number(input.value)));
    input.addEventListener("input", () => {
      if (input.value === "" || Number.isNaN(Number(input.value))) return mark(input, "a number");
      doc.set([name], input.value, { field: name, raw: true });
      judge();
    });
    input.dataset.key = name;
    judge();
    return input;
  }
  if (spec.kind === "choice" && (spec.values.includes(value) || value === null)) {
    const select = h("select", { id, data: { key: name } }, spec.values.map((each) => h("option", { value: String(each) }, String(each))));
    select.value = String(value);
    select.addEventListener("change", () => doc.set([name], spec.values.find((each) => String(each) === select.value)));
    return select;
  }
  if (spec.kind === "text" && typeof value === "string") return bound(doc, [name], h("input", { id, value }));
  if (spec.kind === "list" && Array.isArray(value) && value.every((each) => typeof each === "string" && !each.includes("\n"))) {
    const read = (area) => area.value.split("\n").filter(Boolean);
    return bound(doc, [name], h("textarea", { id, rows: "1", class: "pg-text", placeholder: "one per line", value: value.join("\n") }), { read });
  }
  const field = rawField(doc, [name], name);
  field.id = id;
  return field;
}

function mark(input, problem) {
  if (problem) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}
