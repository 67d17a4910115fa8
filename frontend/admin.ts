/**
 * admin.js: adds what htmx lacks on the admin's pages. Failures are shown, and wrong fields are marked. Without it,
 * and without htmx, every form still works.
 *
 * Its tag has data-htmx, the address of htmx for when the site's own frame does not load it.
 */
import { listenForCopying, offerCopying } from "./admin/copy";
import { dress } from "./shared/look";
import { doc, find, findAll, real, scriptGlobal } from "./shared/page";
import { type ScriptTag, readScriptTag } from "./shared/script_tag";

/** The parts of htmx's event details that are read here. */
interface RequestDetail {
  elt: Element;
}
interface SwapDetail {
  xhr: XMLHttpRequest;
  requestConfig: RequestDetail;
  shouldSwap: boolean;
  isError: boolean;
}

interface Htmx {
  process(element: Element): void;
}

/** The messages in the server's markup, by name. */
type Failure = "unreachable" | "failed" | "elsewhere";

const PAGE = ".kapa-handoff-admin";

/** What asks for news without anybody having pressed anything. */
const QUIET = "[data-quiet]";

/** The element whose request failed last. */
let failed: Element | undefined;

function start(): void {
  const tag = readScriptTag("admin.js", "script[data-htmx]");
  if (!tag) return;
  // Turbo must not keep a copy of the page: its form would be outdated and unknown to htmx.
  addMeta("turbo-cache-control", "no-cache");
  dressAll();
  offerAll();
  // A site's own page may load htmx, which must not be loaded twice. After the load event it would be there, and only
  // then does htmx process the page immediately.
  if (doc.readyState === "complete") bringHtmx(tag);
  else addEventListener("load", () => bringHtmx(tag));
  // With Turbo, this script runs at each visit, but the document keeps its listeners.
  if (scriptGlobal("kapaHandoffAdmin")) return;
  Object.assign(window, { kapaHandoffAdmin: true });
  listenToHtmx();
}

function addMeta(name: string, content: string): void {
  if (doc.querySelector(`meta[name="${name}"]`)) return;
  doc.head.append(Object.assign(doc.createElement("meta"), { name, content }));
}

/** Makes the page's forms live, with the site's htmx or with ours. */
function bringHtmx({ element }: ScriptTag): void {
  const page = doc.querySelector(`${PAGE} :is([hx-post], [hx-get])`)?.closest(PAGE);
  if (!page) return;
  const htmx = scriptGlobal<Htmx>("htmx");
  if (htmx) {
    htmx.process(page);
    return;
  }
  const src = element.dataset.htmx;
  if (!src || doc.querySelector(`script[src="${src}"]`)) return;
  addMeta("htmx-config", '{"includeIndicatorStyles": false, "allowEval": false}');
  // Under a policy with nonces, only scripts with a nonce run.
  const { nonce } = element;
  doc.head.append(Object.assign(doc.createElement("script"), nonce ? { src, nonce } : { src }));
}

function listenToHtmx(): void {
  listen<RequestDetail>("beforeRequest", ({ elt }) => {
    // A preview after a failed save must not remove its message.
    if (elt === failed || elt.matches("form")) clearFailure();
  });
  listen<SwapDetail>("beforeSwap", takeReply);
  listen<RequestDetail>("sendError", ({ elt }) => {
    // What a page asks for again and again need not be reported.
    if (!elt.matches(QUIET)) showFailure("unreachable", elt);
  });
  listen("afterSettle", markWrongFields);
  listen("afterSettle", dressAll);
  listen("afterSettle", offerAll);
  doc.addEventListener("change", tickAll);
  listenForCopying();
}

/** Handles htmx's events from our own elements. */
function listen<Detail>(name: string, handle: (detail: Detail) => void): void {
  doc.addEventListener(`htmx:${name}`, (event) => {
    const { target } = event;
    if (target instanceof Element && real(target).closest(PAGE)) handle((event as CustomEvent<Detail>).detail);
  });
}

function takeReply(detail: SwapDetail): void {
  const { xhr, requestConfig } = detail;
  const isOurs = xhr.getResponseHeader("X-Kapa-Handoff") === "admin";
  // Our responses are shown whatever their status, and nothing else is: neither the site's error page nor its login.
  detail.shouldSwap = isOurs;
  detail.isError = false;
  if (!isOurs && !requestConfig.elt.matches(QUIET)) showFailure(xhr.status < 400 || xhr.status === 401 ? "elsewhere" : "failed", requestConfig.elt);
  else if (xhr.getResponseHeader("HX-Retarget")) failed = requestConfig.elt;
}

function showFailure(name: Failure, element: Element): void {
  failed = element;
  const region = failureRegion();
  if (region) region.textContent = region.dataset[name] ?? "";
}

function clearFailure(): void {
  failed = undefined;
  const region = failureRegion();
  if (region) region.textContent = "";
}

function failureRegion(): HTMLElement | null {
  return doc.getElementById("kapa-handoff-admin-failure");
}

/** Tells screen readers which fields are wrong: those whose error message is not empty. */
function markWrongFields(): void {
  for (const error of findAll(document, `${PAGE} .handoff-error`)) {
    const field = find(document, `[aria-describedby^="${error.id}"]`);
    const input = field?.matches("fieldset") ? find(field, "[type=checkbox]") : field;
    if (input) input.ariaInvalid = error.textContent ? "true" : null;
  }
}

/** Shows the preview in the desk's colours. */
function dressAll(): void {
  for (const element of findAll(document, `${PAGE} [data-look]`)) dress(element);
}

/** Shows the box that ticks all tickets of a page: without this script it would do nothing. */
function offerAll(): void {
  for (const box of findAll(document, `${PAGE} [data-kapa-handoff-all]`)) box.closest("label")?.removeAttribute("hidden");
  offerCopying(PAGE);
}

/** Ticks what the box for all is for; it is ticked itself while all are. */
function tickAll({ target }: Event): void {
  if (!(target instanceof HTMLInputElement)) return;
  const form = target.form;
  const all = form?.querySelector<HTMLInputElement>("[data-kapa-handoff-all]");
  if (!form || !all || (target !== all && target.name !== "ticket")) return;
  const boxes = [...form.querySelectorAll<HTMLInputElement>("[name=ticket]")];
  if (target === all) for (const box of boxes) box.checked = all.checked;
  else all.checked = boxes.every((box) => box.checked);
}

start();
