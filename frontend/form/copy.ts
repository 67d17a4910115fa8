/** Copies what the visitor typed, for when it cannot be sent. */
import type { ShownDraft } from "../handoff/draft";
import { inputsOf, say } from "../handoff/fields";
import { doc, find } from "../shared/page";

/** Sets up "Copy your text". */
export function offerCopy({ dialog }: ShownDraft): void {
  const button = find(dialog, "[data-kapa-handoff-copy-text]");
  if (!button) return;
  button.onclick = () => {
    const typed = inputsOf(dialog).map(({ value }) => value);
    if (copy(typed.filter(Boolean).join("\n\n"), button)) say(dialog, "note", "copied");
  };
}

/** Copies a text after a press of the button; works without HTTPS, where there is no `navigator.clipboard`. */
export function copy(text: string, button: HTMLElement): boolean {
  const area = doc.createElement("textarea");
  area.value = text;
  // Inside the dialog, outside of which nothing can be selected.
  button.after(area);
  area.select();
  const isCopied = doc.execCommand("copy");
  area.remove();
  button.focus();
  return isCopied;
}
