// Choices of the viewer that live in this browser: theme, rail, row density, open facets. theme.js restores them.
const root = document.documentElement;

function remember(name, value) {
  if (value) root.dataset[name] = value;
  else delete root.dataset[name];
  try {
    if (value) localStorage.setItem(name, value);
    else localStorage.removeItem(name);
  } catch {
    // Storage is blocked: the choice lasts as long as the page.
  }
}

// Each group of buttons and its value that means "nothing chosen".
const GROUPS = { theme: "system", density: "normal" };

export function showChoices() {
  for (const [name, fallback] of Object.entries(GROUPS)) {
    const chosen = root.dataset[name] ?? fallback;
    for (const button of document.querySelectorAll(`[data-${name}-choice]`)) {
      button.setAttribute("aria-pressed", button.dataset[`${name}Choice`] === chosen);
    }
  }
  const facets = document.getElementById("facets");
  if (facets && root.dataset.facets === "open") facets.open = true;
  const collapsed = root.dataset.rail === "collapsed";
  for (const button of document.querySelectorAll("[data-toggle-rail]")) {
    button.setAttribute("aria-label", collapsed ? "Expand the navigation" : "Collapse the navigation");
  }
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-toggle-rail]")) {
    remember("rail", root.dataset.rail === "collapsed" ? "" : "collapsed");
    return showChoices();
  }
  for (const [name, fallback] of Object.entries(GROUPS)) {
    const button = event.target.closest(`[data-${name}-choice]`);
    if (!button) continue;
    const choice = button.dataset[`${name}Choice`];
    remember(name, choice === fallback ? "" : choice);
    return showChoices();
  }
});

// Facets stay open, or closed, from one selection to the next.
document.addEventListener(
  "toggle",
  ({ target }) => {
    if (target.id === "facets") remember("facets", target.open ? "open" : "");
  },
  true,
);

document.addEventListener("htmx:load", showChoices);
showChoices();
