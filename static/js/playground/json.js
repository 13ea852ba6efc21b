// JSON as text: a tree that knows where each value stands, and edits that leave every other octet as it is.
// A number keeps its digits, a member nobody knows keeps its place: nothing is parsed and written anew.

export class JsonError extends Error {
  constructor(text, at, message) {
    const before = text.slice(0, at);
    const line = before.split("\n").length;
    super(`Line ${line}, column ${at - before.lastIndexOf("\n")}: ${message}.`);
    this.at = at;
  }
}

const SPACE = /[ \t\n\r]*/y;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const MAX_DEPTH = 400; // deeper than any request, and far from what the stack holds

/** The tree of a text. Throws JsonError where it is not one JSON value. */
export function parse(text) {
  let at = 0;

  const fail = (message) => {
    throw new JsonError(text, at, message);
  };

  function space() {
    SPACE.lastIndex = at;
    SPACE.test(text);
    at = SPACE.lastIndex;
  }

  function string() {
    const start = at;
    let end = at;
    do end = text.indexOf('"', end + 1);
    while (end > 0 && escapes(text, end));
    if (end < 0) fail("this text is never closed");
    at = end + 1;
    try {
      return { type: "string", start, end: at, value: JSON.parse(text.slice(start, at)) };
    } catch {
      at = start;
      return fail("this text holds a line break or an escape that JSON does not have");
    }
  }

  function object(depth) {
    const node = { type: "object", start: at++, members: [] };
    for (space(); text[at] !== "}"; space()) {
      if (node.members.length) comma("}");
      if (text[at] !== '"') fail("a name in quotes is missing here");
      const name = string();
      space();
      if (text[at] !== ":") fail("a colon is missing here");
      at += 1;
      node.members.push({ name: name.value, start: name.start, value: value(depth + 1) });
    }
    node.end = ++at;
    return node;
  }

  function array(depth) {
    const node = { type: "array", start: at++, items: [] };
    for (space(); text[at] !== "]"; space()) {
      if (node.items.length) comma("]");
      node.items.push(value(depth + 1));
    }
    node.end = ++at;
    return node;
  }

  function comma(closing) {
    if (text[at] !== ",") fail(`a comma or ${closing} is missing here`);
    at += 1;
    space();
  }

  function value(depth) {
    space();
    if (depth > MAX_DEPTH) fail("this is nested too deeply");
    if (text[at] === "{") return object(depth);
    if (text[at] === "[") return array(depth);
    if (text[at] === '"') return string();
    SCALAR.lastIndex = at;
    const scalar = SCALAR.exec(text)?.[0];
    if (!scalar) fail(at < text.length ? "this is no JSON value" : "the JSON ends too early");
    const start = at;
    at += scalar.length;
    return { type: "scalar", start, end: at, value: JSON.parse(scalar) };
  }

  const root = value(0);
  space();
  if (at < text.length) fail("the JSON is over, and more follows");
  return root;
}

function escapes(text, quote) {
  let slashes = 0;
  while (text[quote - 1 - slashes] === "\\") slashes += 1;
  return slashes % 2 === 1;
}

/** What a node stands for. */
export function valueOf(node) {
  if (node.type === "array") return node.items.map(valueOf);
  if (node.type !== "object") return node.value;
  const value = Object.create(null); // a member may be called __proto__
  for (const member of node.members) value[member.name] = valueOf(member.value);
  return value;
}

/** The node at a path of names and positions; undefined where there is none. */
export function find(node, path) {
  let found = node;
  for (const step of path) {
    if (found?.type === "array") found = found.items[step];
    else found = found?.type === "object" ? found.members.findLast((member) => member.name === step)?.value : undefined;
  }
  return found;
}

/** The text with two spaces for each level; scalars stay as they are written. */
export function format(text, node = parse(text), indent = "") {
  const deeper = `${indent}  `;
  if (node.type === "array" && node.items.length) {
    const items = node.items.map((item) => deeper + format(text, item, deeper));
    return `[\n${items.join(",\n")}\n${indent}]`;
  }
  if (node.type === "object" && node.members.length) {
    const members = node.members.map(({ name, value }) => `${deeper}${quoted(name)}: ${format(text, value, deeper)}`);
    return `{\n${members.join(",\n")}\n${indent}}`;
  }
  return text.slice(node.start, node.end).replace(/^([[{])\s+/, "$1");
}

/** The text without any space between its values: two that are the same say the same. */
export function compact(text, node = parse(text)) {
  if (node.type === "array") return `[${node.items.map((item) => compact(text, item)).join(",")}]`;
  if (node.type !== "object") return text.slice(node.start, node.end);
  return `{${node.members.map(({ name, value }) => `${quoted(name)}:${compact(text, value)}`).join(",")}}`;
}

/** The text with `raw` at the path: in the place of what is there, else as a new last member or item. */
export function set(text, path, raw) {
  const root = parse(text);
  const old = find(root, path);
  if (old) return text.slice(0, old.start) + raw + text.slice(old.end);
  const parent = find(root, path.slice(0, -1));
  if (parent?.type === "object") return grow(text, parent, parent.members, `${quoted(path.at(-1))}: ${raw}`);
  if (parent?.type === "array") return grow(text, parent, parent.items, raw);
  throw new TypeError("there is nothing to put it into");
}

/** The text without what stands at the path. */
export function remove(text, path) {
  const parent = find(parse(text), path.slice(0, -1));
  const rest =
    parent.type === "array"
      ? parent.items.filter((_, index) => index !== path.at(-1)).map((item) => text.slice(item.start, item.end))
      : parent.members
          .filter((member) => member.name !== path.at(-1))
          .map((member) => text.slice(member.start, member.value.end));
  const [open, close] = parent.type === "array" ? "[]" : "{}";
  return tidy(text, parent, open + rest.join(", ") + close);
}

/** The text with the item at `from` of the list at the path moved to position `to`. */
export function move(text, path, from, to) {
  const parent = find(parse(text), path);
  const items = parent.items.map((item) => text.slice(item.start, item.end));
  items.splice(to, 0, ...items.splice(from, 1));
  return tidy(text, parent, `[${items.join(", ")}]`);
}

/** The text with `raw` put before position `index` of the list at the path. */
export function insert(text, path, index, raw) {
  const parent = find(parse(text), path);
  const items = parent.items.map((item) => text.slice(item.start, item.end));
  items.splice(index, 0, raw);
  return tidy(text, parent, `[${items.join(", ")}]`);
}

export const quoted = (value) => JSON.stringify(value);

function grow(text, parent, children, raw) {
  const inside = children.length ? `${text.slice(parent.start, parent.end - 1).trimEnd()}, ${raw}` : text[parent.start] + raw;
  return tidy(text, parent, inside + text[parent.end - 1]);
}

function tidy(text, parent, raw) {
  return format(text.slice(0, parent.start) + raw + text.slice(parent.end));
}
