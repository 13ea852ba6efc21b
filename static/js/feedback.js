// Rating: scores in the list follow what is said in the panel, ticks are counted, charts say their values.
import { announce } from "./messages.js";

/** Puts the trace's new score into every row of that trace. */
function showScore(section) {
  const score = section.querySelector("template[data-score]");
  for (const cell of document.querySelectorAll("[data-score-of]")) {
    if (cell.dataset.scoreOf === section.dataset.trace) cell.replaceChildren(score.content.cloneNode(true));
  }
}

function countTicks(form) {
  const boxes = [...document.querySelectorAll('input[form="bulk"][name="log"]')];
  const ticked = boxes.filter((box) => box.checked).length;
  form.querySelector("[data-ticked]").textContent = ticked
    ? `${ticked} log${ticked === 1 ? "" : "s"} ticked`
    : "Tick logs to rate them together";
  form.querySelector("[data-tick-all]").textContent = ticked && ticked === boxes.length ? "Tick none" : "Tick all";
  for (const thumb of form.querySelectorAll(".thumb")) thumb.disabled = !ticked;
}

function start(root) {
  const bulk = document.getElementById("bulk");
  if (bulk) countTicks(bulk);
  // The browser's own tooltip of a mark comes late; ours says the same at once, and with the keyboard too.
  for (const title of root.querySelectorAll(".chart a > title")) {
    const { parentElement: mark } = title;
    mark.dataset.tip = "";
    mark.dataset.words = title.textContent;
    mark.setAttribute("aria-label", title.textContent);
    title.remove();
  }
}

document.addEventListener("htmx:afterSwap", ({ detail }) => {
  const section = document.getElementById("feedback");
  if (!section?.dataset.trace || !detail.requestConfig.verb || detail.requestConfig.verb === "get") return;
  showScore(section);
  announce(`Feedback: ${section.querySelector(".rate-score").textContent.trim()}`);
});

document.addEventListener("change", (event) => {
  if (event.target.matches('input[form="bulk"]')) countTicks(document.getElementById("bulk"));
});

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-tick-all]")) return;
  const boxes = [...document.querySelectorAll('input[form="bulk"][name="log"]')];
  const all = !boxes.every((box) => box.checked);
  for (const box of boxes) box.checked = all;
  countTicks(document.getElementById("bulk"));
});

document.addEventListener("htmx:load", (event) => start(event.detail.elt));
start(document);
