// Searching inside a body: the hit that a link leads to comes into sight; an emptied field goes back to the view.
const card = (element) => element.closest("[data-side]");

function showHit(root) {
  const hit = root.querySelector("[data-hit] mark, pre.raw mark") ?? root.querySelector("[data-hit]");
  hit?.scrollIntoView({ block: "center" });
}

document.addEventListener("htmx:afterSettle", ({ target }) => {
  if (target.matches?.("[data-side]")) showHit(target);
});

document.addEventListener("search", ({ target }) => {
  if (!target.matches("[data-find]") || target.value) return;
  card(target).querySelector("[data-view]")?.click();
});

// Escape clears the field; only an empty one lets the panel have the key.
document.addEventListener(
  "keydown",
  (event) => {
    if (event.key !== "Escape" || !event.target.matches?.("[data-find]") || !event.target.value) return;
    event.stopPropagation();
  },
  true,
);

if (document.querySelector(".body-page")) showHit(document);
