/**
 * What htmx leaves open on the admin's pages: failures are seen, and fields say that they are wrong.
 * Without it, and without htmx, every form still works.
 */
(() => {
  "use strict";

  const page = /** @type {any} */ (window);
  const { dataset: { htmx: source }, nonce } = page.document.currentScript;
  const ROOT = ".kapa-handoff-admin";

  /** @type {(name: string, content: string) => void} */
  const addMeta = (name, content) => {
    if (document.querySelector(`meta[name="${name}"]`)) return;
    document.head.append(Object.assign(document.createElement("meta"), { name, content }));
  };

  // A site with Turbo comes here without loading a page: the script runs anew, and nothing but this may run twice.
  // Nor must Turbo keep a copy of the page, whose form would be an old one that htmx does not know.
  addMeta("turbo-cache-control", "no-cache");
  const root = document.querySelector(ROOT);
  if (page.kapaHandoffAdmin) {
    if (root) page.htmx?.process(root);
    return;
  }
  page.kapaHandoffAdmin = true;

  /** @type {any} the element whose request has failed */
  let failed;

  /** @type {(name?: string, element?: any) => void} shows a message that stands in the server's markup */
  const fail = (name, element) => {
    failed = element;
    const region = document.getElementById("kapa-handoff-admin-failure");
    if (region) region.textContent = (name && region.dataset[name]) || "";
  };

  /** @type {(name: string, step: (detail: any) => void) => void} hears what htmx says of our own elements */
  const on = (name, step) => document.addEventListener("htmx:" + name, (/** @type {any} */ event) => {
    if (event.target.closest?.(ROOT)) step(event.detail);
  });

  on("beforeRequest", ({ elt }) => {
    // A preview that follows a failed save must not take its message away.
    if (elt === failed || elt.matches("form")) fail();
  });
  on("beforeSwap", (detail) => {
    const ours = detail.xhr.getResponseHeader("X-Kapa-Handoff") === "admin";
    // Ours are shown whatever their status, and nothing else is: neither the site's error page nor its login.
    detail.shouldSwap = ours;
    detail.isError = false;
    const { elt } = detail.requestConfig;
    if (!ours) fail(detail.xhr.status < 400 || detail.xhr.status === 401 ? "elsewhere" : "failed", elt);
    else if (detail.xhr.getResponseHeader("HX-Retarget")) failed = elt;
  });
  on("sendError", ({ elt }) => fail("unreachable", elt));
  on("afterSettle", () => {
    for (const error of document.querySelectorAll(`${ROOT} .handoff-error`)) {
      const field = document.querySelector(`[aria-describedby^="${error.id}"]`);
      const input = field?.matches("fieldset") ? field.querySelector("[type=checkbox]") : field;
      if (input) input.ariaInvalid = error.textContent ? "true" : null;
    }
  });

  // A site's own page may bring htmx, which must not come twice. Once all is loaded it would have come, and htmx,
  // too, looks at the page at once only then.
  const addHtmx = () => {
    if (!root?.querySelector("[hx-post]")) return;
    if (page.htmx) return page.htmx.process(root);
    addMeta("htmx-config", '{"includeIndicatorStyles": false, "allowEval": false}');
    // Under a policy with nonces only a script that carries one is run.
    document.head.append(Object.assign(document.createElement("script"), { src: source, nonce }));
  };
  if (document.readyState === "complete") addHtmx();
  else addEventListener("load", addHtmx);
})();
