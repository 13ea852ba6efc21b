// Links to another selection of the list that say so by data-push alone: there may be hundreds on a page, and each
// attribute would be repeated as often.
document.addEventListener("click", (event) => {
  const link = event.target.closest('a[data-push="list"]:not([hx-get])');
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  htmx.ajax("GET", link.getAttribute("href"), { source: link, target: "#results", swap: "outerHTML" });
});
