/** Shows when to try again by the visitor's own clock and in the form's language. */
import type { ShownDraft } from "../handoff/draft";
import { findAll } from "../shared/page";

/** Turns "in 21 minutes" into "after 15:40": the `<time>` has the seconds, and the sentence for a time. */
export function showLocalTimes({ dialog }: ShownDraft): void {
  for (const time of findAll<HTMLTimeElement>(dialog, "[data-after]")) {
    // Rounded up to a whole minute: "PT1240S".
    const when = new Date(Date.now() + parseInt(time.dateTime.slice(2)) * 1000 + 59_999);
    time.dateTime = when.toISOString();
    const shown = when.toLocaleTimeString(dialog.lang || undefined, { timeStyle: "short" });
    time.textContent = time.dataset.after!.replace("{}", shown);
  }
}
