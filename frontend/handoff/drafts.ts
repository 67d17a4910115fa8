/**
 * Keeps what was typed, for the tab: by thread and desk until it is sent. The address is also kept for other threads,
 * and longer, on this device, if the visitor ticks the box.
 */
import { find, findAll, real } from "../shared/page";
import { type Draft, type ShownDraft, parts } from "./draft";

/** What is kept of a thread on a desk. */
interface Kept {
  /** What differs from the empty form, by the name of the field. */
  typed?: Record<string, string>;
  /** The latest ticket's reference, by the id of the answer under which it was sent. */
  sent?: Record<string, string>;
}

type Place = Pick<Draft, "key" | "desk">;

/** What the browser did not store, by thread. */
const unstored = new Map<string, Record<string, Kept>>();

/** The values of a form when it was new. */
const emptyForms = new WeakMap<Draft, Record<string, string>>();

const EMAIL = "kapa-handoff-email";
const BOX = "[data-kapa-handoff-remember]";

/** Storage may be blocked or full, and other scripts may have written to it: everything else works without it. */
function attempt<T>(use: () => T): T | undefined {
  try {
    return use();
  } catch {
    return undefined;
  }
}

function nameOf(key: string): string {
  return `kapa-handoff:${key}`;
}

function read(key: string): Record<string, Kept> {
  return unstored.get(key) ?? attempt(() => JSON.parse(sessionStorage.getItem(nameOf(key)) ?? "")) ?? {};
}

export function keptOf({ key, desk }: Place): Kept {
  return read(key)[desk] ?? {};
}

export function keep(place: Place, change: Kept): void {
  const { key, desk } = place;
  const desks = { ...read(key), [desk]: { ...keptOf(place), ...change } };
  unstored.set(key, desks);
  attempt(() => {
    sessionStorage.setItem(nameOf(key), JSON.stringify(desks));
    unstored.delete(key);
  });
}

export function forget(key: string): void {
  unstored.delete(key);
  attempt(() => sessionStorage.removeItem(nameOf(key)));
}

/** Whether more than the address was typed. */
export function isWaiting({ typed }: Kept): boolean {
  return Object.keys(typed ?? {}).some((name) => name !== "email");
}

/** Fills in what is kept. The address is the thread's, else the tab's, else the device's. */
export function fillIn(draft: ShownDraft): void {
  const { typed } = keptOf(draft);
  for (const field of fieldsOf(draft)) {
    const kept = typed?.[field.name];
    if (field.type === "checkbox") field.checked = kept === undefined ? field.checked : !!kept;
    else if (kept !== undefined) field.value = kept;
    else if (field.name === "email") field.value ||= rememberedAddress() ?? "";
  }
  showBox(draft);
}

function fieldsOf({ dialog }: ShownDraft): HTMLInputElement[] {
  return findAll<HTMLInputElement>(dialog, ".kapa-handoff-field [name]:not([readonly])");
}

function valuesOf(draft: ShownDraft): [string, string][] {
  return fieldsOf(draft).map(({ name, type, checked, value }) => [name, type !== "checkbox" || checked ? value : ""]);
}

function rememberedAddress(): string | null | undefined {
  return attempt(() => sessionStorage.getItem(EMAIL) ?? localStorage.getItem(EMAIL));
}

/** Ticks the box if an address is kept on this device; without storage there is no box. */
function showBox({ dialog }: ShownDraft): void {
  const box = find<HTMLInputElement>(dialog, BOX);
  const address = attempt(() => localStorage.getItem(EMAIL));
  if (!box) return;
  box.checked = address != null;
  real(box).parentElement!.hidden = address === undefined;
}

function keepTyped(draft: ShownDraft, changed: HTMLInputElement): void {
  const isNew = emptyForms.get(draft);
  keep(draft, { typed: Object.fromEntries(valuesOf(draft).filter(([name, value]) => value !== isNew?.[name])) });
  const isBox = changed.matches(BOX);
  if (!isBox && changed.name !== "email") return;
  const address = find<HTMLInputElement>(draft.dialog, "[name=email]")?.value ?? "";
  attempt(() => sessionStorage.setItem(EMAIL, address));
  attempt(() => {
    // Another tab may have changed it since this form was opened.
    if (isBox && !changed.checked) localStorage.removeItem(EMAIL);
    else if (isBox || localStorage.getItem(EMAIL) !== null) localStorage.setItem(EMAIL, address);
  });
  showBox(draft);
}

parts.push((draft) => {
  const form = find(draft.dialog, "form");
  if (!form) return;
  if (!emptyForms.has(draft)) emptyForms.set(draft, Object.fromEntries(valuesOf(draft)));
  real(form).addEventListener("input", ({ target }) => keepTyped(draft, target as HTMLInputElement));
  fillIn(draft);
});
