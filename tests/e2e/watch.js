// Runs before the page's own scripts: what moved after it was drawn, and what the content policy refused.
window.refused = [];
addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => {
  window.refused.push(`${violatedDirective} refused ${blockedURI}`);
});

const shifts = [];
const add = (entries) => {
  for (const { value, sources } of entries) {
    shifts.push({ value, moved: sources.map(({ node }) => node?.className || node?.nodeName) });
  }
};
const observer = new PerformanceObserver((list) => add(list.getEntries()));
observer.observe({ type: "layout-shift", buffered: true });

/** All shifts so far, those right after an input too: a click must not move what it did not ask to move. */
window.takeShifts = async () => {
  await new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn)));
  add(observer.takeRecords());
  return shifts;
};
