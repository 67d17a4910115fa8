/** Shows at an answer's button that a draft waits, or which ticket was sent. */
import { doc, find, findAll, real } from "../shared/page";
import { OFFER, type ShownDraft, parts } from "./draft";
import { keep, keptOf } from "./drafts";
import { findDeep } from "./place";

/** What an offer is about, and under which key its draft is kept. */
export function subjectOf(offer: HTMLElement) {
  const { threadId = "", threadKey, answerId = "", desk = "default" } = real(offer).dataset;
  const token = find<HTMLInputElement>(offer, "[name=offer]")?.value ?? "";
  const carried = find(offer, "[name=conversation]");
  return { key: threadId || threadKey || (carried ? token : ""), threadId, answerId, desk, token };
}

/** The line about the ticket that was sent here, if it is shown. */
export function sentLine(offer: HTMLElement): HTMLElement | null {
  return find(offer, ".kapa-handoff-sent:not([hidden])");
}

export function showState(offer: HTMLElement): void {
  const subject = subjectOf(offer);
  const { typed, sent } = keptOf(subject);
  const reference = sent?.[subject.answerId];
  // The address alone is no draft.
  const isWaiting = Object.keys(typed ?? {}).some((name) => name !== "email");
  for (const note of findAll(offer, ".kapa-handoff-draft")) write(note, isWaiting ? note.dataset.text : "");
  const line = find(offer, ".kapa-handoff-sent");
  const code = line && find(line, ".kapa-handoff-code");
  const button = find(offer, "button");
  // A site's own template may have no such line.
  if (!code || !button) return;
  button.hidden = !!reference;
  line.hidden = !reference;
  write(code, reference);
}

/** Writes only what differs, since the observer sees each change. */
function write(element: HTMLElement, text = ""): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Shows the state of every button, also in shadow roots. */
export function showStates(): void {
  findDeep(OFFER).forEach(showState);
}

/** Shows the state of the buttons on the page, and of those that come: from the server, or from a copy of the page. */
export function watchOffers(): void {
  showStates();
  // Shadow roots are left out, since looking for them at each change would cost much.
  const show = () => findAll(document, OFFER).forEach(showState);
  new MutationObserver(show).observe(document, { childList: true, subtree: true });
  // The visitor may have sent the ticket from another page, and come back to this one.
  addEventListener("pageshow", showStates);
}

parts.push((draft) => {
  const { dialog, answerId } = draft;
  const reference = find(dialog, "[data-kapa-handoff-reference]")?.dataset.kapaHandoffReference;
  if (reference) {
    const { sent } = keptOf(draft);
    keep(draft, { typed: {}, sent: draft.key ? { ...sent, [answerId]: reference } : {} });
  }
});

/** A follow-up is called as the button that opens it, and says what it adds to; the same form may go on elsewhere. */
export function sayWhatItAddsTo({ dialog, offer }: ShownDraft): void {
  const title = find(dialog, ".kapa-handoff-title");
  const lead = find(dialog, ".kapa-handoff-lead");
  if (!title || !find(dialog, ".kapa-handoff-form")) return; // these are the thanks
  const line = sentLine(offer);
  const again = line && find(line, "button");
  title.dataset.text ??= title.textContent!;
  write(title, again?.firstChild?.textContent ?? title.dataset.text);
  find(dialog, "[data-adds]")?.remove();
  const adds = again?.dataset.lead?.replace("{}", find(line!, ".kapa-handoff-code")!.textContent!);
  if (!adds) return;
  const sentence = doc.createElement("span");
  sentence.dataset.adds = "";
  sentence.textContent = `${adds} `;
  lead?.prepend(sentence);
}
