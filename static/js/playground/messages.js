// Messages as a form: roles, texts, pictures, tool calls and their results. What is none of these is shown as JSON.
import { bound, focusKey, h, icon, iconButton } from "./dom.js";

const ROLES = ["system", "developer", "user", "assistant", "tool"];
const KNOWN = ["role", "content", "name", "tool_calls", "tool_call_id"];
const PICTURE = /^data:image\/(png|jpeg|gif|webp);base64,/;

/** The list of messages at `path`, as one element per message and a row of buttons below. */
export function messages(doc, path = ["messages"]) {
  const list = doc.value?.[path[0]];
  if (!Array.isArray(list)) return [rawField(doc, path, "Messages")];
  return [
    h("ol", { class: "pg-messages" }, list.map((message, index) => messageCard(doc, [...path, index], message, list))),
    h("div", { class: "row" }, ["user", "assistant", "system"].map((role) => addButton(doc, path, list, role))),
  ];
}

function addButton(doc, path, list, role) {
  const add = () => {
    doc.insert(path, list.length, { role, content: "" });
    focusKey(document, [...path, list.length, "content"].join("/"));
  };
  return h("button", { type: "button", class: "button quiet small", onclick: add, data: { key: `add-${role}` } }, icon("plus"), ` ${role}`);
}

function messageCard(doc, path, message, list) {
  const index = path.at(-1);
  if (typeof message !== "object" || message === null || Array.isArray(message)) {
    return h("li", { class: "pg-message" }, rawField(doc, path, `Message ${index + 1}`), removeButton(doc, path, index));
  }
  const move = (by) => {
    const to = index + by;
    if (to < 0 || to >= list.length) return;
    const field = document.activeElement?.dataset.key?.split("/").slice(path.length) ?? ["content"];
    doc.move(path.slice(0, -1), index, to);
    focusKey(document, [...path.slice(0, -1), to, ...field].join("/"));
  };
  const onkeydown = (event) => {
    if (!event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    event.preventDefault();
    move(event.key === "ArrowUp" ? -1 : 1);
  };
  return h(
    "li",
    { class: "pg-message", data: { role: String(message.role) }, onkeydown },
    h(
      "header",
      {},
      roleField(doc, path, message),
      "name" in message && textInput(doc, [...path, "name"], "Name", message.name),
      h("span", { class: "spring" }),
      iconButton("chevron-up", `Move message ${index + 1} up`, () => move(-1), { "aria-disabled": index === 0 || null }),
      iconButton("chevron-down", `Move message ${index + 1} down`, () => move(1), { "aria-disabled": index === list.length - 1 || null }),
      removeButton(doc, path, index),
    ),
    message.role === "tool" && answersField(doc, path, message, list),
    content(doc, path, message),
    Array.isArray(message.tool_calls) && message.tool_calls.map((call, at) => toolCall(doc, [...path, "tool_calls", at], call)),
    footer(doc, path, message),
  );
}

function removeButton(doc, path, index) {
  return iconButton("x", `Remove message ${index + 1}`, () => doc.remove(path));
}

function roleField(doc, path, message) {
  const roles = ROLES.includes(message.role) ? ROLES : [...ROLES, String(message.role)];
  const select = h(
    "select",
    { class: "pg-role", "aria-label": `Role of message ${path.at(-1) + 1}`, data: { key: [...path, "role"].join("/") } },
    roles.map((role) => h("option", { value: role }, role)),
  );
  select.value = String(message.role);
  select.addEventListener("change", () => doc.set([...path, "role"], select.value));
  return select;
}

function content(doc, path, message) {
  const at = [...path, "content"];
  const label = `Content of message ${path.at(-1) + 1}`;
  if (Array.isArray(message.content)) return message.content.map((part, index) => partField(doc, [...at, index], part));
  if (typeof message.content === "string") return textArea(doc, at, label, message.content);
  if (message.content === undefined || message.content === null) {
    return Array.isArray(message.tool_calls) ? null : textArea(doc, at, label, "");
  }
  return rawField(doc, at, label);
}

function partField(doc, path, part) {
  const remove = iconButton("x", "Remove this part", () => doc.remove(path));
  if (part?.type === "text" && typeof part.text === "string") {
    return h("div", { class: "pg-part" }, textArea(doc, [...path, "text"], "Text", part.text), remove);
  }
  const url = part?.image_url?.url;
  if (part?.type === "image_url" && typeof url === "string") {
    return h("div", { class: "pg-part" }, picture(doc, [...path, "image_url", "url"], url), remove);
  }
  return h("div", { class: "pg-part" }, rawField(doc, path, String(part?.type ?? "part")), remove);
}

/** Only pictures that are in the request itself are drawn: nothing loads from elsewhere. */
function picture(doc, path, url) {
  if (!PICTURE.test(url)) return textInput(doc, path, "Address of the picture", url);
  const size = Math.round((url.length * 3) / 4 / 1000);
  return h(
    "figure",
    { class: "pg-picture" },
    h("img", { src: url, alt: "Picture in the request" }),
    h("figcaption", { class: "muted" }, `${url.slice(11, url.indexOf(";"))}, ${size} KB`),
  );
}

function toolCall(doc, path, call) {
  if (typeof call?.function?.arguments !== "string") return rawField(doc, path, "Tool call");
  const id = path.at(-1) + 1;
  return h(
    "fieldset",
    { class: "pg-call" },
    h("legend", {}, icon("wrench"), " calls"),
    textInput(doc, [...path, "function", "name"], `Name of tool call ${id}`, call.function.name ?? ""),
    textInput(doc, [...path, "id"], `Id of tool call ${id}`, call.id ?? ""),
    iconButton("x", `Remove tool call ${id}`, () => doc.remove(path)),
    textArea(doc, [...path, "function", "arguments"], `Arguments of tool call ${id}`, call.function.arguments, "mono"),
  );
}

function answersField(doc, path, message, list) {
  const ids = list.flatMap((each) => (Array.isArray(each?.tool_calls) ? each.tool_calls.map((call) => call?.id) : []));
  const name = `calls-${path.join("-")}`;
  return h(
    "label",
    { class: "pg-inline" },
    h("span", { class: "muted" }, "result of"),
    textInput(doc, [...path, "tool_call_id"], "Id of the call it answers", message.tool_call_id ?? "", { list: name }),
    h("datalist", { id: name }, ids.filter((id) => typeof id === "string").map((id) => h("option", { value: id }))),
  );
}

/** What a message may get besides, and which of its members the form does not know. */
function footer(doc, path, message) {
  const others = Object.keys(message).filter((name) => !KNOWN.includes(name) && message[name] !== null);
  const buttons = [];
  if (message.role === "user") buttons.push(pictureButton(doc, path, message));
  if (message.role === "assistant") {
    const call = { id: `call_${Date.now().toString(36)}`, type: "function", function: { name: "", arguments: "{}" } };
    const calls = Array.isArray(message.tool_calls) ? message.tool_calls : [];
    const add = () => doc.set([...path, "tool_calls"], [...calls, call]);
    buttons.push(h("button", { type: "button", class: "button quiet small", onclick: add }, icon("wrench"), " Tool call"));
  }
  if (!buttons.length && !others.length) return null;
  return h("footer", {}, buttons, others.length > 0 && h("span", { class: "muted" }, `with ${others.join(", ")}, as in the JSON`));
}

function pictureButton(doc, path, message) {
  const pick = h("input", { type: "file", accept: "image/png,image/jpeg,image/gif,image/webp", class: "sr", tabindex: "-1", "aria-label": "Picture to add" });
  pick.addEventListener("change", () => {
    const reader = new FileReader();
    reader.addEventListener("load", () => {
      const parts = Array.isArray(message.content) ? message.content : message.content ? [{ type: "text", text: message.content }] : [];
      doc.set([...path, "content"], [...parts, { type: "image_url", image_url: { url: reader.result } }]);
    });
    if (pick.files[0]) reader.readAsDataURL(pick.files[0]);
  });
  return [h("button", { type: "button", class: "button quiet small", onclick: () => pick.click() }, icon("image"), " Picture"), pick];
}

// --- controls -------------------------------------------------------------------------------------------------

export function textArea(doc, path, label, text, kind = "") {
  return bound(doc, path, h("textarea", { class: `pg-text ${kind}`, rows: "1", "aria-label": label, spellcheck: "false", value: text }));
}

export function textInput(doc, path, label, text, more = {}) {
  return bound(doc, path, h("input", { "aria-label": label, placeholder: label, spellcheck: "false", value: text, ...more }));
}

/** Any JSON at a path; what is no JSON yet stays in the field, and says so. */
export function rawField(doc, path, label) {
  const key = path.join("/");
  const area = h("textarea", { class: "pg-text mono", rows: "2", "aria-label": `${label}, as JSON`, spellcheck: "false", value: doc.raw(path), data: { key } });
  area.addEventListener("input", () => {
    try {
      JSON.parse(area.value);
    } catch {
      area.setAttribute("aria-invalid", "true");
      return;
    }
    area.removeAttribute("aria-invalid");
    doc.set(path, area.value, { field: key, raw: true });
  });
  return area;
}
