// What holds for every htmx request: links keep their ways of opening, errors are said, sign-in is honoured.
import { toast } from "./messages.js";

// A click with a modifier opens a tab, as it does on any link.
document.addEventListener(
  "click",
  (event) => {
    if ((event.ctrlKey || event.metaKey || event.shiftKey) && event.target.closest("a[hx-get]")) {
      event.stopPropagation();
    }
  },
  true,
);

document.addEventListener("htmx:configRequest", (event) => {
  const { formData, elt } = event.detail;
  if (!elt.matches("form.filters")) return;
  for (const [name, value] of [...formData]) {
    if (!value.trim()) formData.delete(name); // an address holds what was asked, no more
  }
});

document.addEventListener("htmx:beforeSwap", (event) => {
  const address = event.detail.xhr.responseURL;
  // The session has ended: the answer is the sign-in page, which belongs in the window, not in a part of it.
  if (address && new URL(address).pathname.startsWith("/accounts/")) {
    event.detail.shouldSwap = false;
    const { requestConfig } = event.detail;
    if (requestConfig.elt.dataset.push) location.assign(requestConfig.path); // and back to it after signing in
    else location.reload();
  }
});

document.addEventListener("htmx:responseError", (event) => {
  const { status } = event.detail.xhr;
  if ([400, 409, 422].includes(status)) return; // shown where it belongs
  toast(
    status === 404
      ? "That log is gone: it is past its retention, or not yours to see."
      : `The server answered ${status}. Nothing changed; try again.`,
    "error",
  );
});
document.addEventListener("htmx:sendError", () => {
  toast("The server cannot be reached. Nothing changed; try again.", "error");
});
