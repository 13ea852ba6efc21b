// The request that is edited. Its JSON text is the only truth: the form and the text area are two views of it, so
// that what neither of them knows is kept. Every change can be undone.
import * as json from "./json.js";

const MAX_STEPS = 200; // of the history; a text of 100 KB is a common one
const MERGE_MS = 800; // what is typed into one field without a longer pause is one step

export class Document extends EventTarget {
  #original;
  #history = [];
  #future = [];
  #last = { field: null, at: 0 };

  /** `original` is the text as it came: while nothing but space differs from it, the request is unedited. */
  constructor(original, text = original) {
    super();
    this.#original = tight(original);
    this.#read(text);
  }

  #read(text) {
    this.text = text;
    this.error = null;
    try {
      this.node = json.parse(text);
      this.value = json.valueOf(this.node);
    } catch (error) {
      this.error = error; // the form shows what was last readable
    }
  }

  get isEdited() {
    return tight(this.text) !== this.#original;
  }

  get canUndo() {
    return this.#history.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  /** The whole text anew. `field` names the control that it comes from, which needs no drawing. */
  write(text, field = null) {
    if (text === this.text) return;
    const now = Date.now();
    const goesOn = field && field === this.#last.field && now - this.#last.at < MERGE_MS;
    if (!goesOn) this.#history = [...this.#history.slice(1 - MAX_STEPS), this.text];
    this.#future = [];
    this.#last = { field, at: now };
    this.#changed(text, field);
  }

  undo() {
    this.#step(this.#history, this.#future);
  }

  redo() {
    this.#step(this.#future, this.#history);
  }

  #step(from, to) {
    if (!from.length) return;
    to.push(this.text);
    this.#last = { field: null, at: 0 };
    this.#changed(from.pop(), null);
  }

  #changed(text, field) {
    this.#read(text);
    this.dispatchEvent(new CustomEvent("change", { detail: { field } }));
  }

  /** A JavaScript value at a path; `raw` for JSON text as it is. */
  set(path, value, { field = null, raw = false } = {}) {
    const text = raw ? value : JSON.stringify(value, null, 2);
    this.write(field ? json.set(this.text, path, text) : json.format(json.set(this.text, path, text)), field);
  }

  remove(path) {
    this.write(json.remove(this.text, path));
  }

  insert(path, index, value) {
    this.write(json.insert(this.text, path, index, JSON.stringify(value)));
  }

  move(path, from, to) {
    this.write(json.move(this.text, path, from, to));
  }

  /** The JSON text at a path, as it is written; "" where there is nothing. */
  raw(path) {
    const node = json.find(this.node, path);
    return node ? json.format(this.text, node) : "";
  }
}

function tight(text) {
  try {
    return json.compact(text);
  } catch {
    return text;
  }
}
