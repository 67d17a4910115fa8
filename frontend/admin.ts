/**
 * admin.js: adds what htmx lacks on the admin's pages. Failures are shown, and wrong fields are marked. Without it,
 * and without htmx, every form still works.
 *
 * Its tag has data-htmx, the address of htmx for when the site's own frame does not load it.
 */
import { listenForCopying, offerCopying } from "./admin/copy";
import { rememberPlace, returnToPlace } from "./admin/place";
import { showSelected, tickAll } from "./admin/selection";
import { takeToken } from "./admin/session";
import { chooseByTicking } from "./admin/triggers";
import { guardUnsaved, rememberLoaded, showUnsaved } from "./admin/unsaved";
import { dress } from "./shared/look";
import { doc, find, findAll, real, scriptGlobal } from "./shared/page";
import { type ScriptTag, readScriptTag } from "./shared/script_tag";

/** The parts of htmx's event details that are read here. */
interface RequestDetail {
  elt: Element;
  target: Element;
}
interface SwapDetail extends RequestDetail {
  xhr: XMLHttpRequest;
  requestConfig: RequestDetail & { triggeringEvent?: Event };
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
  showSelected();
  showUnsaved();
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
  listen<RequestDetail>("beforeRequest", ({ elt, target }) => {
    // A preview after a failed save must not remove its message.
    if (elt === failed || elt.matches("form")) clearFailure();
    // An earlier result must not look like that of the request under way.
    const { busy } = (elt as HTMLElement).dataset;
    if (busy) target.textContent = busy;
  });
  listen<SwapDetail>("beforeSwap", takeReply);
  listen("afterSwap", returnToPlace);
  listen<SwapDetail>("sendError", ({ target, requestConfig: { elt } }) => {
    // What a page asks for again and again need not be reported.
    if (!elt.matches(QUIET)) showFailure("unreachable", elt);
    endWaiting(elt, target);
  });
  listen("afterSettle", markWrongFields);
  listen("afterSettle", dressAll);
  listen("afterSettle", offerAll);
  listen("afterSettle", showSelected);
  listen("afterSettle", showUnsaved);
  doc.addEventListener("change", tickAll);
  doc.addEventListener("click", dismiss);
  listenForCopying();
  doc.addEventListener("input", chooseByTicking);
  guardUnsaved();
}

/** Handles htmx's events from our own elements. */
function listen<Detail>(name: string, handle: (detail: Detail) => void): void {
  doc.addEventListener(`htmx:${name}`, (event) => {
    const { target } = event;
    if (target instanceof Element && real(target).closest(PAGE)) handle((event as CustomEvent<Detail>).detail);
  });
}

function takeReply(detail: SwapDetail): void {
  const { xhr, target, requestConfig } = detail;
  const { elt, triggeringEvent } = requestConfig;
  const isOurs = xhr.getResponseHeader("X-Kapa-Handoff") === "admin";
  // Our responses are shown whatever their status, and nothing else is: neither the site's error page nor its login.
  detail.shouldSwap = isOurs && !takeToken(xhr, elt, (triggeringEvent as SubmitEvent | undefined)?.submitter);
  detail.isError = false;
  if (!isOurs) {
    endWaiting(elt, target);
    if (!elt.matches(QUIET)) showFailure(isSignedOut(xhr.status) ? "elsewhere" : "failed", elt);
  } else if (xhr.getResponseHeader("HX-Retarget")) {
    failed = elt;
    endWaiting(elt, requestConfig.target);
  }
  if (!detail.shouldSwap) return;
  rememberPlace();
  rememberLoaded();
}

/** Whether a response that is not ours comes from the site's guard: its login page, or a refusal. */
function isSignedOut(status: number): boolean {
  return status < 400 || status === 401 || status === 403;
}

/** Takes away what was shown while a request was under way that has brought nothing. */
function endWaiting(elt: Element, target: Element): void {
  if ((elt as HTMLElement).dataset.busy) target.textContent = "";
}

function showFailure(name: Failure, element: Element): void {
  failed = element;
  const region = failureRegion();
  if (!region) return;
  region.textContent = region.dataset[name] ?? "";
  const signIn = find<HTMLTemplateElement>(document, "#kapa-handoff-admin-sign-in");
  if (name === "elsewhere" && signIn) region.append(" ", signIn.content.cloneNode(true));
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

/** Takes away the message whose button was pressed. */
function dismiss({ target }: Event): void {
  if (!(target instanceof Element) || !target.matches("[data-kapa-handoff-dismiss]")) return;
  target.parentElement?.remove();
  find(document, "#kapa-handoff-admin-save")?.focus();
}

start();
