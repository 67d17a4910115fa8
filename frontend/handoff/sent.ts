/** Shows at an answer's button that a draft waits, or which ticket was sent. */
import { find, findAll, real } from "../shared/page";
import { OFFER, parts } from "./draft";
import { keep, keptOf } from "./drafts";

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

/** Shows the state of every button on the page, and of those that come: from the server, or from a copy of the page. */
export function showStates(): void {
  findAll(document, OFFER).forEach(showState);
}

export function watchOffers(): void {
  showStates();
  new MutationObserver(showStates).observe(document, { childList: true, subtree: true });
  // The visitor may have sent the ticket from another page, and come back to this one.
  addEventListener("pageshow", showStates);
}

parts.push((draft) => {
  const { dialog, offer } = draft;
  const reference = find(dialog, "[data-kapa-handoff-reference]")?.dataset.kapaHandoffReference;
  if (reference) {
    const { sent } = keptOf(draft);
    keep(draft, { typed: {}, sent: draft.key ? { ...sent, [subjectOf(offer).answerId]: reference } : {} });
  }
  // The form of a follow-up is called as the button that opens it, and says what it adds to.
  const line = sentLine(offer);
  const title = find(dialog, ".kapa-handoff-title");
  if (reference || !line || !title) return;
  const again = find(line, "button");
  title.textContent = again?.firstChild?.textContent ?? "";
  const adds = again?.dataset.lead?.replace("{}", find(line, ".kapa-handoff-code")!.textContent!);
  if (adds) find(dialog, ".kapa-handoff-lead")?.prepend(adds, " ");
});
