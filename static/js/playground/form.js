// The request as a form: its model, what it says, its tools and its parameters.
import { bound, h, icon, iconButton, redraw } from "./dom.js";
import { messages, rawField, textArea } from "./messages.js";
import { parameters } from "./parameters.js";

/** Draws the form into `root` and keeps it in step with the document. */
export function form(doc, root, path) {
  const draw = () => redraw(root, sections(doc, path));
  doc.addEventListener("change", ({ detail }) => {
    if (!detail.field || !root.contains(document.activeElement)) draw();
  });
  draw();
}

function sections(doc, path) {
  if (doc.value === null || typeof doc.value !== "object" || Array.isArray(doc.value)) {
    return [h("p", { class: "callout" }, "The request is no JSON object: edit it as JSON.")];
  }
  return [
    h("div", { class: "field pg-target" }, h("label", { for: "pg-model" }, "Model"), model(doc)),
    section({ "/v1/embeddings": "Input", "/v1/completions": "Prompt" }[path] ?? "Messages", said(doc, path)),
    path === "/v1/chat/completions" && section("Tools", tools(doc), doc.value.tools?.length),
    section("Parameters", parameters(doc, path)),
  ].filter(Boolean);
}

function section(title, children, count) {
  return h("section", {}, h("h2", {}, title, count ? h("span", { class: "muted" }, ` ${count}`) : null), children);
}

function model(doc) {
  const input = h("input", { id: "pg-model", list: "pg-models", placeholder: "gpt-4o-mini", spellcheck: "false", value: String(doc.value.model ?? "") });
  return bound(doc, ["model"], input);
}

function said(doc, path) {
  if (path === "/v1/chat/completions") return messages(doc);
  const name = path === "/v1/embeddings" ? "input" : "prompt";
  const value = doc.value[name];
  if (typeof value === "string") return [textArea(doc, [name], name, value)];
  if (!Array.isArray(value) || !value.every((each) => typeof each === "string")) return [rawField(doc, [name], name)];
  const add = () => doc.set([name], [...value, ""]);
  return [
    value.map((each, index) =>
      h(
        "div",
        { class: "pg-part" },
        textArea(doc, [name, index], `${name} ${index + 1}`, each),
        iconButton("x", `Remove ${name} ${index + 1}`, () => doc.remove([name, index])),
      ),
    ),
    h("button", { type: "button", class: "button quiet small", onclick: add }, icon("plus"), ` ${name}`),
  ].flat();
}

function tools(doc) {
  const given = Array.isArray(doc.value.tools) ? doc.value.tools : [];
  const add = () =>
    doc.set(["tools"], [...given, { type: "function", function: { name: "", description: "", parameters: { type: "object", properties: {} } } }]);
  return [
    given.map((tool, index) => {
      const name = tool?.function?.name || tool?.name || tool?.type || "tool";
      return h(
        "details",
        { class: "card", data: { key: `tool-${index}` } },
        h("summary", {}, icon("wrench"), " ", h("code", {}, String(name))),
        h("div", { class: "pg-part inside-card" }, rawField(doc, ["tools", index], `Tool ${index + 1}`), iconButton("x", `Remove tool ${index + 1}`, () => removeTool(doc, given, index))),
      );
    }),
    h("button", { type: "button", class: "button quiet small", onclick: add }, icon("plus"), " Tool"),
  ].flat();
}

function removeTool(doc, given, index) {
  doc.remove(given.length === 1 ? ["tools"] : ["tools", index]);
}
