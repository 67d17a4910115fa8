/** Shows an answer's button at its place on the page, if the server offers it. */
import { logFailure } from "../shared/log";
import { doc, find, findAll, real } from "../shared/page";
import { OFFER } from "./draft";
import { isolate } from "./isolation";
import { containerOf, findDeep, styleShadowRoot } from "./place";
import { sentLine, showState } from "./sent";
import { loadFragment, server } from "./server";
import { newestPair, threads } from "./threads";
import type { Thread } from "./types";

const SLOT = "[data-kapa-handoff-slot]";

/**
 * The page's address in at most 1,000 characters, since an offer contains it encoded, in an address of its own: with as
 * many whole parameters as fit, else a path that ends before a percent escape. `shortened()` in urls.py does the same.
 */
const PAGE = /^[^#]{0,1000}(?![^?&#])|^.{0,998}[^%]{2}/;

/** The place of a button without a slot. */
const floating = doc.createElement("div");
floating.className = "kapa-handoff-floating";
isolate(floating);

/** The newest request for each place: a late response must not replace a newer one. */
const shownRequests = new WeakMap<Element, number>();
let requests = 0;

/**
 * Asks the server for an answer's button; null: not offered, undefined: the request failed.
 *
 * @param further - what else the server should know, such as the desk
 */
export async function askForOffer(
  thread?: Thread,
  answerId = "",
  further: object = {},
): Promise<HTMLElement | null | undefined> {
  const pair = thread?.pairs.get(answerId);
  const facts = new URLSearchParams({
    pairs: thread?.pairs.size ?? 0,
    uncertain: !!pair?.uncertain,
    downvoted: pair?.reaction === "downvote",
    stopped: !!pair?.stopped,
    thread_id: thread?.id ?? "",
    answer_id: answerId,
    page: PAGE.exec(location.href)![0],
    language: doc.documentElement.lang,
    desk: server.desk,
    ...further,
  } as object as Record<string, string>); // it makes texts of them
  const ask = (): Promise<HTMLElement | null> => {
    const question = server.wantsQuestion && pair?.question;
    return loadFragment(`offer?${facts}`, OFFER, question ? { method: "POST", body: new URLSearchParams({ question }) } : {});
  };
  try {
    const knew = server.wantsQuestion;
    let offer = await ask();
    if (!offer && !knew && server.wantsQuestion) offer = await ask();
    if (offer) showState(offer);
    return offer;
  } catch (reason) {
    // The answer stays as it is, with or without a button.
    logFailure(reason);
    return undefined;
  }
}

/** Shows or removes an answer's button, as the server decides. */
export async function refreshButton(thread: Thread, answerId: string): Promise<void> {
  const request = ++requests;
  const hadSlot = findSlot(answerId);
  const offer = await askForOffer(thread, answerId);
  const slot = findSlot(answerId);
  // The answer has left the page with its slot: its button must not appear elsewhere.
  if (hadSlot && !slot) return;
  const place = slot ?? floatingPlace();
  const isLate = threads.get(thread.id) !== thread || request < (shownRequests.get(place) ?? 0);
  if (offer === undefined || isLate) return;
  shownRequests.set(place, request);
  if (offer) {
    styleShadowRoot(place);
    real(place).replaceChildren(offer);
    return;
  }
  const old = find(place, OFFER);
  // What was sent stays sent, even if the visitor withdraws the vote.
  if (old && sentLine(old)) return;
  const shownId = old && real(old).dataset.answerId;
  // In a shared place, an older answer does not replace a newer one's button.
  if (old && (shownId === answerId || newestPair(thread)?.id === answerId)) real(old).remove();
}

/** The answer's own slot; else the last one that belongs to no other answer. */
function findSlot(answerId: string): HTMLElement | undefined {
  return (
    findDeep(`${SLOT}[data-answer-id="${CSS.escape(answerId)}"]`)[0] ??
    findDeep(`${SLOT}:not([data-answer-id])`).pop()
  );
}

/** The place in the corner of the page, created when needed. */
export function floatingPlace(): HTMLElement {
  // A page that was restored from a snapshot contains a copy of it.
  for (const other of findAll(document, ".kapa-handoff-floating")) if (other !== floating) real(other).remove();
  const container = containerOf(null);
  if (floating.parentNode !== container) container.append(floating);
  return floating;
}

/** Removes the buttons of a thread. */
export function removeButtons(threadId: string): void {
  for (const offer of findDeep(OFFER)) if (real(offer).dataset.threadId === threadId) real(offer).remove();
}
