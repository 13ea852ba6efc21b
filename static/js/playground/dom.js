// Elements from code. Whatever a log holds goes in as text, never as HTML.

/** An element: `on…` are listeners, `data` the dataset, other names attributes; true stands for "there". */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A mark of the page's sprite. */
export function icon(name, size = 14) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [key, value] of Object.entries({ class: "icon", width: size, height: size, "aria-hidden": "true" })) {
    svg.setAttribute(key, value);
  }
  svg.append(document.createElementNS("http://www.w3.org/2000/svg", "use"));
  svg.firstChild.setAttribute("href", `#i-${name}`);
  return svg;
}

/** A small button of an icon, with its words for whoever cannot see it. */
export function iconButton(name, label, onclick, more = {}) {
  return h(
    "button",
    { type: "button", class: "button quiet icon-only small", "aria-label": label, title: label, onclick, ...more },
    icon(name),
  );
}

/** Draws anew inside `root`; what was open stays open, and the control of the same `data-key` keeps the focus. */
export function redraw(root, children) {
  const active = root.contains(document.activeElement) ? document.activeElement : null;
  const key = active?.dataset.key;
  const [start, end] = active && "selectionStart" in active ? [active.selectionStart, active.selectionEnd] : [];
  const open = [...root.querySelectorAll("details[open]")].map((details) => details.dataset.key);
  root.replaceChildren(...children);
  for (const details of root.querySelectorAll("details")) details.open = open.includes(details.dataset.key);
  if (key) focusKey(root, key, start, end);
}

export function focusKey(root, key, start, end) {
  const control = root.querySelector(`[data-key="${CSS.escape(key)}"]`);
  control?.focus();
  if (control && Number.isInteger(start) && control.setSelectionRange) {
    try {
      control.setSelectionRange(start, end);
    } catch {
      // Numbers have no selection.
    }
  }
}

/** A field's control tells the document what it holds now, without being drawn anew itself. */
export function bound(doc, path, control, { read = (element) => element.value } = {}) {
  const key = path.join("/");
  control.dataset.key = key;
  control.addEventListener("input", () => doc.set(path, read(control), { field: key }));
  return control;
}
