/* What is wider than the page can be scrolled with the keyboard, too; nothing else is a stop of the Tab key. */
function checkWidth(element) {
  if (element.scrollWidth > element.clientWidth) element.tabIndex = 0;
  else element.removeAttribute("tabindex");
}

const observer = new ResizeObserver((entries) => entries.forEach(({ target }) => checkWidth(target)));
for (const element of document.querySelectorAll("article pre, .table-wrapper")) {
  checkWidth(element);
  observer.observe(element);
}

/* A page that is opened as a file cannot read the others, from which the results of a search have their excerpts. */
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

/* Browsers copy on secure pages alone. */
if (navigator.clipboard) {
  for (const block of document.querySelectorAll("article .highlight")) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "copy-code", textContent: "Copy" });
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(block.querySelector("pre").textContent);
      button.textContent = "Copied";
      button.addEventListener("blur", () => (button.textContent = "Copy"), { once: true });
    });
    block.append(button);
  }
}
