// Short messages at the edge of the window, and the line that screen readers hear.
const list = document.getElementById("messages");

/** Shows `text` for a few seconds; `kind` is "", "success" or "error". Errors stay until dismissed. */
export function toast(text, kind = "") {
  const item = document.createElement("div");
  item.className = `message-line ${kind}`;
  const words = document.createElement("span");
  words.textContent = text;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "button quiet icon-only small";
  close.dataset.dismiss = "";
  close.setAttribute("aria-label", "Dismiss");
  close.textContent = "×";
  item.append(words, close);
  list.replaceChildren(...[...list.children].slice(-2), item);
  if (kind !== "error") setTimeout(() => item.remove(), 5000);
}

/** Says `text` to screen readers without showing it. */
export function announce(text) {
  const line = document.getElementById("announce");
  if (line) line.textContent = text;
}

document.addEventListener("click", (event) => {
  event.target.closest("[data-dismiss]")?.closest(".message-line").remove();
});
