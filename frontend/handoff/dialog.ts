/** Shows the form's dialog, and messages in it. */
import { doc, find, findAll, real } from "../shared/page";

export const DIALOG = "[data-kapa-handoff-dialog]";

/** Safari has dialogs since 15.4. Without them, the form opens on its own page. */
export const hasModalDialogs = !!window.HTMLDialogElement?.prototype.showModal;

/** The dialog that was shown last. */
let current: HTMLDialogElement | undefined;

export function isShown(dialog: HTMLDialogElement | undefined = current): boolean {
  return !!dialog && dialog.open && dialog.isConnected;
}

/** Shows the dialog if it is not shown, and focuses where the visitor continues. */
export function showDialog(dialog: HTMLDialogElement): void {
  if (!isShown(dialog)) {
    dialog.open = false; // another script may have taken it out of the page while it was open
    doc.body.append(dialog);
    dialog.showModal();
    current = dialog;
  }
  const wrong = find(dialog, "[aria-invalid]");
  // After a problem that is no field's, the visitor can send again.
  const again = find(dialog, "[role=alert]:not(:empty) ~ * [type=submit]");
  const goesOn = wrong ?? again ?? inputsOf(dialog).find(isEmpty) ?? find(dialog, "[tabindex]");
  goesOn?.focus();
}

/** What the visitor fills in. */
export function inputsOf(root: Element): HTMLInputElement[] {
  return findAll<HTMLInputElement>(root, ".kapa-handoff-input:not([readonly])");
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

function isEmpty(input: HTMLInputElement): boolean {
  return !input.value;
}

/** Puts a message into the region with this role; it may be the name of a message in the markup. */
export function say(root: Element, role: "alert" | "note" | "status", message: string): void {
  const region = find(root, `[role=${role}]`);
  if (region) region.textContent = region.dataset[message] ?? message;
}

/** Closes the dialog on a click on its close button, or beside it while nothing is typed; else says why it stays. */
export function closeOnClick(target: Element): void {
  if (!current || real(target).closest(DIALOG) !== current) return;
  const isBeside = target === current;
  say(current, "note", isBeside ? "stays" : "");
  if (isBeside ? inputsOf(current).every(isEmpty) : real(target).closest("[data-kapa-handoff-close]")) current.close();
}

/** Closes the open dialog before Turbo or htmx keeps a copy of the page, in which it would not work. */
export function closeBeforeCopy(): void {
  if (!current || !isShown()) return;
  current.close();
  current.remove();
}
