// Runs before the first paint: what the viewer chose is on <html> before anything is drawn.
(() => {
  const root = document.documentElement;
  root.dataset.js = "";
  for (const name of ["theme", "rail", "density", "facets"]) {
    try {
      const value = localStorage.getItem(name);
      if (value) root.dataset[name] = value;
    } catch {
      // Storage is blocked: the defaults are fine.
    }
  }
})();
