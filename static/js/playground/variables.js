// The variables of a prompt: found as one types, each with a value to try it with.
import { h, redraw } from "./dom.js";

const TAG = /\{\{\{?\s*[#^&]?\s*([^\s{}#^/!>&=.][^\s{}#^/!>&=.]*)[^{}]*\}\}/g;

/** The names of a document's variables, in the order of their first mention. */
export function names(value, found = new Set()) {
  if (typeof value === "string") for (const match of value.matchAll(TAG)) found.add(match[1]);
  else if (Array.isArray(value)) value.forEach((item) => names(item, found));
  else if (value && typeof value === "object") Object.values(value).forEach((item) => names(item, found));
  return found;
}

class Variables extends EventTarget {
  #values = {};
  #drawn = "";

  constructor(doc, root, kept) {
    super();
    Object.assign(this, { doc, root });
    if (!root) return;
    for (const control of root.querySelectorAll("[name]")) this.#values[control.name.slice(4)] = control.value;
    this.#first = JSON.stringify(this.#values);
    Object.assign(this.#values, kept);
    doc.addEventListener("change", () => this.#draw());
    this.#draw();
  }

  #first = "{}";

  get values() {
    return this.#values;
  }

  get isTouched() {
    return Boolean(this.root) && JSON.stringify(this.#values) !== this.#first;
  }

  fields() {
    const used = this.root ? [...names(this.doc.value)] : [];
    return Object.fromEntries(used.map((name) => [`var.${name}`, this.#values[name] ?? ""]));
  }

  #draw() {
    const found = [...names(this.doc.value)];
    if (found.join("\n") === this.#drawn) return;
    this.#drawn = found.join("\n");
    redraw(this.root, found.length ? found.map((name) => this.#field(name)) : [h("p", { class: "muted" }, "Write {{name}} in a message to have a variable.")]);
  }

  #field(name) {
    const area = h("textarea", { class: "pg-text", rows: "1", id: `var-${name}`, value: this.#values[name] ?? "", data: { key: `var.${name}` } });
    area.addEventListener("input", () => {
      this.#values[name] = area.value;
      this.dispatchEvent(new Event("change"));
    });
    return h("div", { class: "pg-variable" }, h("label", { for: `var-${name}` }, h("code", {}, name)), area);
  }
}

export const variables = (doc, root, kept) => new Variables(doc, root, kept ?? {});
