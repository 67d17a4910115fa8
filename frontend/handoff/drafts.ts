/**
 * Keeps what was typed, for the tab: by thread and desk until it is sent. The address is also kept for other threads,
 * and longer, on this device, if the visitor ticks the box. The browser may block storage, or it may be full, and other
 * scripts may write to it: then nothing is kept, and all else works.
 */
import { find, findAll } from "../shared/page";
import { type Draft, type ShownDraft, parts } from "./draft";

/** What is kept of a thread on a desk. */
interface Kept {
  /** What differs from the new form, by the name of the field. */
  typed?: Record<string, unknown>;
  /** The latest ticket's reference, by the id of the answer under which it was sent. */
  sent?: Record<string, string>;
}

type Place = Pick<Draft, "key" | "desk">;

const PREFIX = "kapa-handoff:";
const EMAIL = "kapa-handoff-email";
const BOX = "[data-kapa-handoff-remember]";

function attempt<T>(use: () => T): T | undefined {
  try {
    return use();
  } catch {
    return undefined;
  }
}

function desksOf(key: string): Record<string, Kept> {
  return attempt(() => JSON.parse(sessionStorage[PREFIX + key])) ?? {};
}

export function keptOf({ key, desk }: Place): Kept {
  return desksOf(key)[desk] ?? {};
}

export function keep({ key, desk }: Place, change: Kept): void {
  const desks = desksOf(key);
  const kept = JSON.stringify({ ...desks, [desk]: { ...desks[desk], ...change } });
  attempt(() => (sessionStorage[PREFIX + key] = kept));
}

export function forget(key: string): void {
  attempt(() => delete sessionStorage[PREFIX + key]);
}

/** Ticks the box if the address is kept on this device; where that is not possible, the box stays hidden. */
export function showBox({ dialog }: ShownDraft): void {
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

parts.push((draft) => {
  // Later content has what was typed.
  if (draft.empty) return;
  draft.empty = contents(draft);
  draft.dialog.addEventListener("input", ({ target }) => keepTyped(draft, target as HTMLInputElement));
  fillIn(draft);
});
