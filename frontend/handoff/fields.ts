/** The fields and messages of a dialog. */
import { find, findAll, real } from "../shared/page";
import type { Draft } from "./draft";

/** What the visitor fills in, and is not folded. */
export function inputsOf(root: Element): HTMLInputElement[] {
  return findAll<HTMLInputElement>(root, ".kapa-handoff-input:not([readonly], details:not([open]) *)");
}

/** Hides the error of a field that is being corrected, in its place; the server checks it again. */
export function clearError(root: Element, input: HTMLInputElement): void {
  const field = real(input);
  const error = find(root, `[id="${field.id}-error"]`);
  if (!error) return;
  error.ariaHidden = "true";
  field.removeAttribute("aria-invalid");
  field.setAttribute("aria-describedby", find(root, `[id="${field.id}-hint"]`)?.id ?? "");
}

/** Puts a message into the form's region for it; it may be the name of a message in the markup. */
export function say(root: Element, kind: "alert" | "note" | "status", message: string): void {
  // Not by role, since a part of the form may have an alert of its own.
  const region = find(root, `.kapa-handoff-${kind}`);
  if (region) region.textContent = region.dataset[message] ?? message;
}

/** The name of the message about a failed request: of its cause if there is one, else of the network's state. */
export function nameOf(reason: unknown, root: Element): string {
  const name = `${reason}`;
  if (find(root, ".kapa-handoff-alert")?.dataset[name]) return name;
  return navigator.onLine ? "unreachable" : "offline";
}

/** What the form sends: its fields, and the conversation if the page has it. */
export function bodyOf(form: HTMLFormElement, { pairs }: Draft): string {
  // JSON, in which Chinese is a third as large as in a form's encoding.
  const fields: Record<string, unknown> = {};
  const data = new FormData(form);
  for (const name of data.keys()) {
    const values = data.getAll(name).map(String);
    fields[name] = values.length > 1 ? values : values[0];
  }
  if (fields.offer && pairs.length) fields.conversation = pairs;
  return JSON.stringify(fields);
}
