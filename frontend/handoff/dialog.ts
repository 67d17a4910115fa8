/** Shows the form's dialog, and messages in it. */
import { doc, find, real } from "../shared/page";
import { inputsOf, say } from "./fields";
import { isolate } from "./isolation";
import { containerOf, styleShadowRoot } from "./place";

export const DIALOG = "[data-kapa-handoff-dialog]";

/** Safari has dialogs since 15.4. Without them, the form opens on its own page. */
export const hasModalDialogs = !!window.HTMLDialogElement?.prototype.showModal;

/** The dialog that was shown last. */
let current: HTMLDialogElement | undefined;

export function isShown(dialog: HTMLDialogElement | undefined = current): boolean {
  return !!dialog && dialog.open && dialog.isConnected;
}

// A chat that is hidden would hide the dialog, and an open dialog disables the page.
const observer = new ResizeObserver((entries) => {
  for (const { target, contentRect } of entries) if (!contentRect.width) (target as HTMLDialogElement).close();
});

/** Shows the dialog for a button if it is not shown, and focuses where the visitor continues. */
export function showDialog(dialog: HTMLDialogElement, button: Element): void {
  if (!isShown(dialog)) {
    dialog.open = false; // another script may have taken it out of the page while it was open
    // A site's own button opens the form, too.
    containerOf(button.isConnected ? button : doc.activeElement).append(dialog);
    styleShadowRoot(dialog);
    isolate(dialog);
    dialog.onclick = ({ target }) => closeOnClick(dialog, target as Element);
    current = dialog;
    dialog.showModal();
    observer.observe(dialog);
  }
  const wrong = find(dialog, "[aria-invalid]");
  // After a problem that is no field's, the visitor can send again.
  const again = find(dialog, "[role=alert]:not(:empty) ~ * [type=submit]");
  const goesOn = wrong ?? again ?? inputsOf(dialog).find(isEmpty) ?? find(dialog, "[tabindex]");
  goesOn?.focus();
  // With the label above it; WebKit's focus() does not leave that margin.
  goesOn?.scrollIntoView({ block: "nearest" });
}

function isEmpty(input: HTMLInputElement): boolean {
  return !input.value;
}

/** Closes the dialog on a click on its close button, or beside it while nothing is typed; else says why it stays. */
function closeOnClick(dialog: HTMLDialogElement, target: Element): void {
  const isBeside = target === dialog;
  // A button may have just said something there.
  if (!real(target).closest("button")) say(dialog, "note", isBeside ? "stays" : "");
  if (isBeside ? inputsOf(dialog).every(isEmpty) : real(target).closest("[data-kapa-handoff-close]")) dialog.close();
}

/** Closes a dialog in a popover on Escape: WebKit would close the popover, too. */
export function closeOnEscape(event: Event): void {
  if (!current || !isShown() || !current.closest("[popover]")) return;
  event.preventDefault();
  current.close();
}

/** Closes the open dialog before Turbo or htmx keeps a copy of the page, in which it would not work. */
export function closeBeforeCopy(): void {
  if (!current || !isShown()) return;
  current.close();
  current.remove();
}
