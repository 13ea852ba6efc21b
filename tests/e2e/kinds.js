// Sorts the visible elements of a page into kinds. Elements of one kind have the same tags and classes from the root
// down, the same state, and text of the same size and colour on the same ground: what axe says of one holds for all.
// Returns the kinds. Leaves examples of those that are not `known`, two of each, in `examples`, and the ones with text
// in `texts`.
({ known, part }) => {
  const REFERENCES = new Set(["aria-label", "aria-labelledby", "aria-describedby", "aria-controls"]);
  const hash = (text) => {
    let high = 0xdeadbeef;
    let low = 0x41c6ce57;
    for (let index = 0; index < text.length; index++) {
      high = Math.imul(high ^ text.charCodeAt(index), 2654435761);
      low = Math.imul(low ^ text.charCodeAt(index), 1597334677);
    }
    return (high >>> 0) * 0x200000 + (low >>> 11);
  };
  const stateOf = (element) =>
    element
      .getAttributeNames()
      .filter((name) => name.startsWith("aria-") || ["role", "disabled", "open"].includes(name))
      .map((name) => (REFERENCES.has(name) ? name : `${name}=${element.getAttribute(name)}`));
  const scrolls = (element, style) =>
    (["auto", "scroll"].includes(style.overflowX) && element.scrollWidth > element.clientWidth) ||
    (["auto", "scroll"].includes(style.overflowY) && element.scrollHeight > element.clientHeight);
  const hasText = (element) =>
    element.matches("input, select, textarea") ||
    [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());

  const counts = new Map(known.map((kind) => [kind, Infinity]));
  const kinds = new Set();
  window.examples = [];
  window.texts = [];
  const walk = (element, path, ground) => {
    if (!element.checkVisibility()) return;
    const style = getComputedStyle(element);
    const here = hash(`${path} ${element.localName} ${element.getAttribute("class")} ${stateOf(element)}`);
    const paint = `${[style.backgroundColor, style.backgroundImage, style.opacity]}`;
    const below = paint === "rgba(0, 0, 0, 0),none,1" ? ground : hash(`${ground} ${paint}`);
    const text = hasText(element);
    const print = text ? [style.color, style.fontSize, style.fontWeight, below] : [];
    const kind = hash(`${here} ${print} ${scrolls(element, style)}`);
    if (!part || element.closest(part)) {
      kinds.add(kind);
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
      if (counts.get(kind) <= 2) {
        window.examples.push(element);
        if (text) window.texts.push(element);
      }
    }
    for (const child of element.children) walk(child, here, below);
  };
  walk(document.documentElement, 0, 0);
  return [...kinds];
}
