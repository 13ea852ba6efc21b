// What is about to be sent, and what is likely to go wrong with it. Pure: the document in, lines out.
import { complaint } from "./parameters.js";

const CHARACTERS_PER_TOKEN = 4; // as in English; the price is an estimate and is called one
const TEXTS = ["content", "text", "arguments", "prompt", "input"];

/** Lines of `{kind: "stop" | "warn" | "info", text}`; with a "stop" nothing can be run. */
export function preflight(doc, { path, target, needsKey, reason, isNew }) {
  const lines = [];
  const stop = (text) => lines.push({ kind: "stop", text });
  const warn = (text) => lines.push({ kind: "warn", text });
  if (reason && !(needsKey && target.value)) stop(reason);
  if (target.isArchived) stop(`${target.label} is archived: choose another one.`);
  if (doc.error) return [...lines, { kind: "stop", text: doc.error.message }];
  const value = doc.value;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [...lines, { kind: "stop", text: "The request is no JSON object." }];
  if (isNew && !doc.isEdited) return lines;
  if (!value.model) warn("No model is named; some configs name one themselves.");
  if (path === "/v1/chat/completions") checkMessages(value.messages, warn);
  for (const [name, each] of Object.entries(value)) {
    const problem = complaint(path, name, each);
    if (problem) warn(`${problem}.`);
  }
  return lines;
}

function checkMessages(messages, warn) {
  if (!Array.isArray(messages) || !messages.length) return warn("There are no messages.");
  if (messages.every((message) => !message?.content && !message?.tool_calls)) warn("Every message is empty.");
  let open = [];
  const dangling = () => open.length && warn(`The tool call ${open.join(", ")} has no result: most providers refuse that.`);
  for (const message of messages) {
    if (message?.role === "tool") {
      if (!open.includes(message.tool_call_id)) warn(`A result names the call ${message.tool_call_id || "(none)"}, which is not made before it.`);
      open = open.filter((id) => id !== message.tool_call_id);
      continue;
    }
    dangling();
    open = Array.isArray(message?.tool_calls) ? message.tool_calls.map((call) => call?.id ?? "without id") : [];
  }
  dangling();
}

/** The request in one sentence. */
export function sentence(doc, path, target, isNew) {
  const { messages, tools, input, stream } = doc.value ?? {};
  const parts = [
    Array.isArray(messages) && count(messages.length, "message"),
    Array.isArray(input) && count(input.length, "input"),
    Array.isArray(tools) && count(tools.length, "tool"),
    stream === true && "streamed",
    !isNew && (doc.isEdited ? "edited" : "as it was, to the byte"),
  ];
  return [`POST ${path} to ${target.label}`, parts.filter(Boolean).join(", ")].filter(Boolean).join(": ");
}

const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

/** About how many tokens the request's texts are. */
export function estimate(value) {
  return Math.ceil(characters(value, false) / CHARACTERS_PER_TOKEN);
}

function characters(value, counts) {
  if (typeof value === "string") return counts && !value.startsWith("data:") ? value.length : 0;
  if (Array.isArray(value)) return value.reduce((sum, item) => sum + characters(item, counts), 0);
  if (typeof value !== "object" || value === null) return 0;
  return Object.entries(value).reduce((sum, [name, item]) => sum + characters(item, TEXTS.includes(name)), 0);
}
