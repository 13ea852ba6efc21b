// The histogram above the list: a range is chosen by dragging over it, or by arrow keys with Shift. One column is in
// the order of tabs; the arrows lead to the others.
const columns = (svg) => [...svg.querySelectorAll("a")];
let drag;

function mark(svg, from, to) {
  const [first, last] = [columns(svg)[Math.min(from, to)], columns(svg)[Math.max(from, to)]];
  const left = Number(first.firstChild.getAttribute("x"));
  const room = last.firstChild;
  const chosen = svg.querySelector(".chosen");
  chosen.setAttribute("x", left);
  chosen.setAttribute("width", Number(room.getAttribute("x")) + Number(room.getAttribute("width")) - left);
}

function clear(svg) {
  svg.querySelector(".chosen").setAttribute("width", 0);
  drag = undefined;
}

function go(svg, from, to) {
  const all = columns(svg);
  const [first, last] = [all[Math.min(from, to)], all[Math.max(from, to)]];
  const url = new URL(first.getAttribute("href"), location.href);
  url.searchParams.set("since", first.dataset.since);
  url.searchParams.set("until", last.dataset.until);
  htmx.ajax("GET", url.pathname + url.search, { source: first, target: "#results", swap: "outerHTML" });
}

/** The column nearest to a place of the pointer. */
function under(svg, x) {
  const distances = columns(svg).map((each) => {
    const box = each.firstChild.getBoundingClientRect();
    return Math.max(box.left - x, x - box.right, 0);
  });
  return distances.indexOf(Math.min(...distances));
}

document.addEventListener("pointerdown", (event) => {
  const svg = event.target.closest("[data-histogram]");
  if (!svg || event.button !== 0 || event.pointerType === "touch" || !columns(svg).length) return;
  event.preventDefault(); // a link would be dragged itself
  drag = { svg, from: under(svg, event.clientX), to: under(svg, event.clientX) };
});
document.addEventListener("pointermove", (event) => {
  if (!drag) return;
  drag.to = under(drag.svg, event.clientX);
  if (drag.to !== drag.from) mark(drag.svg, drag.from, drag.to);
});
document.addEventListener("pointerup", () => {
  if (!drag) return;
  const { svg, from, to } = drag;
  clear(svg);
  if (from === to) return; // a click: the link does it
  svg.addEventListener("click", (event) => { event.preventDefault(); event.stopPropagation(); }, { capture: true, once: true });
  go(svg, from, to);
});

document.addEventListener("keydown", (event) => {
  const svg = event.target.closest?.("[data-histogram]");
  if (!svg) return;
  const all = columns(svg);
  const at = all.indexOf(event.target);
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (step && all[at + step]) {
    event.preventDefault();
    drag = event.shiftKey ? { svg, from: drag?.from ?? at, to: at + step } : undefined;
    if (drag) mark(svg, drag.from, drag.to);
    else clear(svg);
    all[at].setAttribute("tabindex", -1);
    all[at + step].setAttribute("tabindex", 0);
    all[at + step].focus();
  } else if (event.key === "Enter" && drag) {
    event.preventDefault();
    const { from, to } = drag;
    clear(svg);
    go(svg, from, to);
  } else if (event.key === "Escape" && drag) {
    event.stopPropagation();
    clear(svg);
  }
}, true);

function prepare() {
  for (const svg of document.querySelectorAll("[data-histogram]:not([data-ready])")) {
    svg.dataset.ready = "";
    columns(svg).forEach((each, index) => each.setAttribute("tabindex", index ? -1 : 0));
  }
}
document.addEventListener("htmx:load", prepare);
prepare();
