/** Shows what the form sends, as the server would store it, each time the visitor unfolds the review. */
import type { Part, ShownDraft } from "../handoff/draft";
import { bodyOf } from "../handoff/fields";
import { logFailure } from "../shared/log";
import { find, findAll } from "../shared/page";

const SENT = "[data-kapa-handoff-sent]";

/** By dialog: with the form that the server sends after an error, the visitor's choice must not be lost. */
const reviews = new WeakMap<HTMLDialogElement, HTMLDetailsElement>();

export const setUpReview: Part = (draft, send) => {
  const { dialog } = draft;
  const fresh = find<HTMLDetailsElement>(dialog, ".kapa-handoff-review");
  if (!fresh) return;
  const review = reviews.get(dialog) ?? fresh;
  // Unfolded again, it shows what the form would send then.
  const fold = () => {
    review.open = false;
  };
  if (review !== fresh) {
    fresh.replaceWith(review);
    fold();
    return;
  }
  reviews.set(dialog, review);
  dialog.addEventListener("close", fold);
  review.ontoggle = () => {
    if (review.open) void load(draft, review, send);
  };
};

async function load(draft: ShownDraft, review: HTMLDetailsElement, send: Parameters<Part>[1]): Promise<void> {
  const form = find<HTMLFormElement>(draft.dialog, "form");
  const state = find(review, "[aria-live]");
  const old = find(review, SENT);
  if (!form || !state || !old) return;
  const { loading = "", unreachable = "" } = state.dataset;
  state.textContent = loading;
  const body = bodyOf(form, draft);
  try {
    const reply = await send("review", `${SENT},[data-kapa-handoff-problem]`, { method: "POST", body });
    const isShown = !!reply?.matches(SENT);
    state.textContent = isShown ? "" : (reply?.textContent ?? unreachable);
    if (!reply || !isShown) return;
    // Even what the visitor has ticked meanwhile.
    const ticked = findAll<HTMLInputElement>(old, ":checked").map(({ value }) => value);
    for (const box of findAll<HTMLInputElement>(reply, "input")) box.checked = ticked.includes(box.value);
    old.replaceWith(reply);
  } catch (reason) {
    logFailure(reason);
    state.textContent = unreachable;
  }
}
