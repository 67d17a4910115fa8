/**
 * What htmx leaves open on the admin's pages: failures are seen, and fields say that they are wrong.
 * Without it, and without htmx, every form still works.
 */
import { doc, readTag, real, scriptGlobal } from "./page.js";

(() => {
  const config = readTag("[data-htmx]");
  if (!config) return;
  const ROOT = ".kapa-handoff-admin";

  /** @type {(name: string, content: string) => void} */
  const addMeta = (name, content) => {
    if (doc.querySelector(`meta[name="${name}"]`)) return;
    const meta = doc.createElement("meta");
    meta.name = name;
    meta.content = content;
    doc.head.append(meta);
  };
  // Turbo must not keep a copy of the page, whose form would be an old one that htmx does not know.
  addMeta("turbo-cache-control", "no-cache");

  const bringHtmx = () => {
    const form = doc.querySelector(`${ROOT} [hx-post]`);
    if (!form) return;
    const htmx = scriptGlobal("htmx");
    if (htmx) return htmx.process(form.closest(ROOT));
    if (doc.querySelector(`script[src="${config.htmx}"]`)) return;
    addMeta("htmx-config", '{"includeIndicatorStyles": false, "allowEval": false}');
    const script = doc.createElement("script");
    script.src = config.htmx || "";
    // Under a policy with nonces only a script that carries one is run.
    if (config.nonce) script.nonce = config.nonce;
    doc.head.append(script);
  };
  // A site's own page may bring htmx, which must not come twice. Once all is loaded it would have come, and htmx,
  // too, looks at the page at once only then.
  if (doc.readyState === "complete") bringHtmx();
  else addEventListener("load", bringHtmx);

  // Where Turbo shows the site's pages, it runs at each visit.
  if (scriptGlobal("kapaHandoffAdmin")) return;
  /** @type {any} */ (window).kapaHandoffAdmin = true;

  /** @type {any} the element whose request has failed */
  let failed;

  /** @type {(name?: string, element?: any) => void} shows a message that stands in the server's markup */
  const fail = (name, element) => {
    failed = element;
    const region = doc.getElementById("kapa-handoff-admin-failure");
    if (region) region.textContent = (name && region.dataset[name]) || "";
  };

  /** @type {(name: string, step: (detail: any) => void) => void} hears what htmx says of our own elements */
  const on = (name, step) => doc.addEventListener("htmx:" + name, (/** @type {any} */ event) => {
    if (real(event.target).closest?.(ROOT)) step(event.detail);
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
    for (const error of doc.querySelectorAll(`${ROOT} .handoff-error`)) {
      const field = doc.querySelector(`[aria-describedby^="${error.id}"]`);
      const input = field?.matches("fieldset") ? field.querySelector("[type=checkbox]") : field;
      if (input) input.ariaInvalid = error.textContent ? "true" : null;
    }
  });
})();
