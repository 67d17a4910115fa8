/**
 * Guards what is typed and not saved yet, on every way out: closing, reloading, links, and requests that replace the
 * form. A form is unsaved while its fields differ from what the server sent, so typing the old value back clears it.
 *
 * Guarded is a form with data-kapa-handoff-guard. One that the server sent with data-unsaved holds what was typed before;
 * then the form counts that it has replaced.
 */
import { doc, find, findAll, real } from "../shared/page";

const GUARDED = ".kapa-handoff-admin form[data-kapa-handoff-guard]";

/** Fields that are no settings: choices of the moment, and what the server itself exchanges. */
const PASSING = new Set(["csrf_token", "version", "form_added", "form_preview_language", "try_path"]);

/** What the forms had at first, by their id, for those that came with data-unsaved. */
const first = new Map<string, string>();

/** A form that the browser is sending, or true: the admin has chosen to lose what was typed. */
let leaving: HTMLFormElement | true | undefined;

interface Confirmation {
  elt: Element;
  target?: Element;
}

/** Listen once for all pages that this document shows. */
export function guardUnsaved(): void {
  addEventListener("beforeunload", (event) => {
    if (!unsavedForms().some((form) => leaving !== true && form !== leaving)) return;
    event.preventDefault();
    event.returnValue = true; // for browsers before 2023
  });
  // The visits of Turbo and of hx-boost in a site's frame leave the page without unloading it.
  doc.addEventListener("turbo:before-visit", (event) => {
    if (leaving !== true && unsavedForms().length && !mayLose()) event.preventDefault();
  });
  doc.addEventListener("htmx:confirm", (event) => {
    const { elt, target } = (event as CustomEvent<Confirmation>).detail;
    const own = elt instanceof HTMLButtonElement ? elt.form : elt.closest("form");
    const lost = unsavedForms().filter((form) => form !== own && target?.contains(form));
    if (lost.length && !mayLose()) event.preventDefault();
  });
  doc.addEventListener("submit", (event) => {
    if (!event.defaultPrevented && event.target instanceof HTMLFormElement) leaving = event.target;
  });
  doc.addEventListener("click", ({ target }) => {
    if (target instanceof Element && target.closest("a[data-kapa-handoff-discard]")) leaving = true;
  });
  for (const name of ["input", "change"]) {
    doc.addEventListener(name, () => {
      leaving = undefined;
      showUnsaved();
    });
  }
}

/** Remember what the forms had at first; call it right before a swap. */
export function rememberLoaded(): void {
  for (const form of findAll<HTMLFormElement>(document, GUARDED)) {
    const found = loaded(form);
    if (found !== undefined) first.set(form.id, found);
  }
}

/** Says beside each form whether it is unsaved. */
export function showUnsaved(): void {
  const ids = unsavedForms().map(({ id }) => id);
  for (const sign of findAll(document, "[data-unsaved-of]")) sign.hidden = !ids.includes(sign.dataset.unsavedOf ?? "");
}

function mayLose(): boolean {
  return confirm(find(document, "[data-leave]")?.dataset.leave);
}

function unsavedForms(): HTMLFormElement[] {
  return findAll<HTMLFormElement>(document, GUARDED).filter((form) => values(form, false) !== loaded(form));
}

/** What the server sent; undefined: this script has not seen it. */
function loaded(form: HTMLFormElement): string | undefined {
  return form.hasAttribute("data-unsaved") ? first.get(form.id) : values(form, true);
}

/** What a form would send, as text: as it is now, or as it was loaded. */
function values(form: HTMLFormElement, asLoaded: boolean): string {
  const pairs: string[][] = [];
  for (const control of real(form).elements) {
    const { name } = control as HTMLInputElement;
    if (!name || PASSING.has(name) || control.matches(":disabled")) continue;
    if (control instanceof HTMLSelectElement) {
      const chosen = [...control.options].filter((option) => (asLoaded ? option.defaultSelected : option.selected));
      // Where no option was marked, browsers choose the first.
      const shown = chosen.length ? chosen : [...control.options].slice(0, 1);
      pairs.push(...shown.map((option) => [name, option.value]));
    } else if (control instanceof HTMLInputElement && ["checkbox", "radio"].includes(control.type)) {
      if (asLoaded ? control.defaultChecked : control.checked) pairs.push([name, control.value]);
    } else if (control instanceof HTMLInputElement || control instanceof HTMLTextAreaElement) {
      pairs.push([name, asLoaded ? control.defaultValue : control.value]);
    }
  }
  return JSON.stringify(pairs);
}
