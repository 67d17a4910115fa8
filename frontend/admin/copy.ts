/**
 * Copies a text of the page: a button with data-kapa-handoff-copy, the id of the text field, says data-copied then. If
 * the browser refuses, the text is selected, and the element after the button says data-refused.
 */
import { doc, findAll } from "../shared/page";

const BUTTON = "[data-kapa-handoff-copy]";

/** Shows the buttons: without this script they would do nothing. */
export function offerCopying(within: string): void {
  for (const button of findAll(document, `${within} ${BUTTON}`)) button.hidden = false;
}

/** Listens for presses of the buttons. */
export function listenForCopying(): void {
  doc.addEventListener("click", ({ target }) => {
    const button = target instanceof Element ? target.closest<HTMLElement>(BUTTON) : null;
    const field = doc.getElementById(button?.dataset.kapaHandoffCopy ?? "");
    if (!button || !(field instanceof HTMLTextAreaElement)) return;
    void copy(field).then((isCopied) => {
      if (isCopied) button.textContent = button.dataset.copied ?? "";
      if (button.nextElementSibling) button.nextElementSibling.textContent = (!isCopied && button.dataset.refused) || "";
    });
  });
}

/** The clipboard is there only on pages that come over HTTPS, or from this machine; elsewhere the text is selected. */
async function copy(field: HTMLTextAreaElement): Promise<boolean> {
  if (window.isSecureContext) {
    try {
      await navigator.clipboard.writeText(field.value);
      return true;
    } catch {
      // Refused by the browser, by somebody who uses it, or by the site's Permissions-Policy.
    }
  }
  field.closest("details")?.setAttribute("open", "");
  field.focus();
  field.select();
  return doc.execCommand("copy");
}
