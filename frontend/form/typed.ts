/** Keeps what the visitor types in the browser, and fills it in again. */
import type { ShownDraft } from "../handoff/draft";
import { attempt, keep, keptOf } from "../handoff/drafts";
import { find, findAll } from "../shared/page";

const EMAIL = "kapa-handoff-email";
const BOX = "[data-kapa-handoff-remember]";

/** Ticks the box if the address is kept on this device; where that is not possible, the box stays hidden. */
function showBox({ dialog }: ShownDraft): void {
  const box = find<HTMLInputElement>(dialog, BOX);
  if (!box) return;
  attempt(() => {
    box.checked = EMAIL in localStorage;
    box.parentElement!.hidden = false;
  });
}

function fieldsOf({ dialog }: ShownDraft): HTMLInputElement[] {
  return findAll<HTMLInputElement>(dialog, ".kapa-handoff-field [name]:not([readonly], [type=file])");
}

function contentOf({ type }: HTMLInputElement): "checked" | "value" {
  return type === "checkbox" ? "checked" : "value";
}

function contents(draft: ShownDraft): Record<string, unknown> {
  return Object.fromEntries(fieldsOf(draft).map((field) => [field.name, field[contentOf(field)]]));
}

/** Fills in what is kept. The address is the thread's, else the tab's, else the device's. */
function fillIn(draft: ShownDraft): void {
  const address = attempt(() => sessionStorage[EMAIL] ?? localStorage[EMAIL]);
  const { typed } = keptOf(draft);
  for (const field of fieldsOf(draft)) {
    const content = typed?.[field.name] ?? (field.name === "email" ? address : undefined);
    if (content !== undefined) Object.assign(field, { [contentOf(field)]: content });
  }
}

function keepTyped(draft: ShownDraft, changed: HTMLInputElement): void {
  const all = contents(draft);
  const typed = Object.entries(all).filter(([field, content]) => content !== draft.empty?.[field]);
  keep(draft, { typed: Object.fromEntries(typed) });
  const isBox = changed.matches(BOX);
  if (!isBox && changed.name !== "email") return;
  attempt(() => {
    // Another tab may have changed it since this form was opened.
    if (isBox && !changed.checked) delete localStorage[EMAIL];
    else if (isBox || EMAIL in localStorage) localStorage[EMAIL] = all.email;
    sessionStorage[EMAIL] = all.email;
  });
  showBox(draft);
}

/** Keeps each change; fills in what is kept when the form is new: later content has what was typed. */
export function keepFields(draft: ShownDraft): void {
  showBox(draft);
  if (draft.empty) return;
  draft.empty = contents(draft);
  draft.dialog.addEventListener("input", ({ target }) => keepTyped(draft, target as HTMLInputElement));
  fillIn(draft);
}
