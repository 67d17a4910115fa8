/** Copies what was sent, as the server writes it down for the visitor. */
import type { Part } from "../handoff/draft";
import { bodyOf, say } from "../handoff/fields";
import { logFailure } from "../shared/log";
import { find } from "../shared/page";
import { copy } from "./copy";

export const offerOwnCopy: Part = (draft, load) => {
  const { dialog } = draft;
  const form = find<HTMLFormElement>(dialog, "[data-kapa-handoff-plain]");
  const button = find(dialog, "[data-kapa-handoff-copy-ticket]");
  if (!form || !button) return;
  button.hidden = false;
  button.onclick = async () => {
    say(dialog, "note", "");
    const loaded = load("copy", "[data-kapa-handoff-copy]", { method: "POST", body: bodyOf(form, draft) }).then(
      (reply) => reply?.textContent ?? "",
    );
    let isCopied = false;
    try {
      // Browsers allow it only at once after the press, so the text may follow.
      const item = { "text/plain": loaded.then((text) => new Blob([text], { type: "text/plain" })) };
      await navigator.clipboard.write([new ClipboardItem(item)]);
      isCopied = true;
    } catch {
      // Without HTTPS there is no clipboard, and a page's policy may forbid it.
      isCopied = !!(await loaded.then((text) => copy(text, button)).catch(logFailure));
    }
    say(dialog, "note", isCopied ? "copied" : "failed");
  };
};
