/** From the button to the ticket: opens the form, keeps what was typed, sends it. */
import { logFailure } from "../shared/log";
import { find, real } from "../shared/page";
import { floatingPlace } from "./buttons";
import { DIALOG, closeBeforeCopy, hasModalDialogs, isShown, showDialog } from "./dialog";
import { type Draft, OFFER, type ShownDraft, parts } from "./draft";
import { forget } from "./drafts";
import { emit } from "./events";
import { bodyOf, clearError, inputsOf, nameOf, say } from "./fields";
import { loadFormScript } from "./form_script";
import { findDeep } from "./place";
import { sentLine, showStates, subjectOf } from "./sent";
import { goToFormPage, loadFragment } from "./server";
import { pairsOf } from "./threads";

/** Closed forms with what was typed, by key. */
const drafts = new Map<string, ShownDraft>();
let isOpening = false;

export function forgetDraft(threadId: string): void {
  drafts.delete(threadId);
  forget(threadId);
}

/** Opens the form of a button; resolves to whether it opened. */
export async function openForm(offer: HTMLElement): Promise<boolean> {
  if (isOpening || isShown()) return false;
  const fresh = readOffer(offer);
  const kept = drafts.get(fresh.key);
  const goesOn = kept?.desk === fresh.desk;
  const { token, pairs } = fresh;
  const subject = goesOn ? Object.assign(kept, { offer, pairs }) : fresh;
  if (!emit("before-open", subject)) return false;
  if (!hasModalDialogs) {
    goToFormPage(pairs.length ? { offer: token, conversation: JSON.stringify(pairs) } : { offer: token });
    return true;
  }
  const draft = goesOn ? kept : await loadDraft(fresh);
  if (!draft) return false;
  if (draft.token !== token) renewOffer(draft, token);
  show(draft);
  if (find(draft.dialog, "form")) {
    drafts.set(draft.key, draft);
    emit("open", draft);
  }
  return true;
}

/** A draft from a button, with the conversation that it contains or that the page has reported. */
function readOffer(offer: HTMLElement): Draft {
  const subject = subjectOf(offer);
  const carried = find<HTMLInputElement>(offer, "[name=conversation]")?.value;
  const pairs = carried ? JSON.parse(carried) : pairsOf(subject.threadId);
  return { ...subject, offer, pairs, isSending: false };
}

/** Fetches the form; undefined if that failed, and a message beside the button says so. */
async function loadDraft(fresh: Draft): Promise<ShownDraft | undefined> {
  const { offer, token } = fresh;
  const button = find(offer, "button:not([hidden])");
  isOpening = true;
  if (button) button.ariaBusy = "true";
  say(offer, "alert", "");
  try {
    const fragment = loadFragment(`form?${new URLSearchParams({ offer: token })}`, DIALOG);
    const [dialog] = await Promise.all([fragment, loadFormScript()]);
    if (!(dialog instanceof HTMLDialogElement)) throw new Error("the reply has no dialog");
    const draft = Object.assign(fresh, { dialog });
    dialog.onsubmit = (event) => {
      const form = event.target as HTMLFormElement;
      // The browser itself sends the one that saves a copy.
      if (find(dialog, "[data-kapa-handoff-plain]") === form) return;
      event.preventDefault();
      void send(draft, form);
    };
    dialog.oninput = ({ target }) => {
      clearError(dialog, target as HTMLInputElement);
      say(dialog, "note", "");
    };
    dialog.onclose = () => close(draft);
    prepare(draft);
    return draft;
  } catch (reason) {
    // A message beside the button says so, and the visitor can press it again.
    logFailure(reason);
    if (!offer.isConnected) floatingPlace().replaceChildren(offer);
    say(offer, "alert", "unreachable");
    return undefined;
  } finally {
    isOpening = false;
    if (button) button.ariaBusy = null;
  }
}

/** Lets each part of the form set up what the server has just sent. */
function prepare(draft: ShownDraft): void {
  for (const part of parts) part(draft, loadFragment);
}

function renewOffer(draft: ShownDraft, token: string): void {
  draft.token = token;
  const field = find<HTMLInputElement>(draft.dialog, "[name=offer]");
  if (field) field.value = token;
}

function show({ dialog, offer, pairs }: ShownDraft): void {
  // The conversation may have grown since the form was created.
  if (pairs.length) find(dialog, `[data-pairs]:not([data-pairs="${pairs.length}"])`)?.remove();
  showDialog(dialog, offer);
}

/** Sends a form; if anything goes wrong, it stays as it is and shows a message. */
async function send(draft: ShownDraft, form: HTMLFormElement): Promise<void> {
  const { dialog, reference } = draft;
  if (draft.isSending) return;
  const button = find(form, "[type=submit]");
  draft.isSending = true;
  if (button) button.ariaDisabled = "true";
  if ((await draft.uploading) === false) {
    draft.isSending = false;
    if (button) button.ariaDisabled = null;
    return;
  }
  say(dialog, "status", "sending");
  const problem = await post(form, draft);
  draft.isSending = false;
  if (problem) {
    if (button) button.ariaDisabled = null;
    say(dialog, "status", "");
    say(dialog, "alert", problem);
    button?.scrollIntoView({ block: "nearest" });
  }
  // The response is shown even if the visitor has closed the dialog meanwhile.
  if (!problem || !isShown(dialog)) show(draft);
  draft.reference = find(dialog, "[data-kapa-handoff-reference]")?.dataset.kapaHandoffReference;
  if (draft.reference) {
    drafts.delete(draft.key);
    // A corrected address is no further ticket.
    if (draft.reference !== reference) emit("submit", draft);
  }
}

/**
 * Posts the form, and shows the server's response in the dialog: the confirmation, or the form with its errors.
 * Returns the problem if there is no such response.
 */
async function post(form: HTMLFormElement, draft: ShownDraft): Promise<string | undefined> {
  const { dialog } = draft;
  const body = bodyOf(form, draft);
  let reply: HTMLElement | null;
  try {
    // Its address as this script knows it: where the package is mounted, a proxy may have its own path.
    const route = real(form).getAttribute("action")!.split("/").pop()!;
    reply = await loadFragment(route, DIALOG, { method: "POST", body });
  } catch (reason) {
    // A message in the form says so, and the visitor can send it again.
    logFailure(reason);
    return nameOf(reason, dialog);
  }
  if (!reply) return "unreachable";
  // A problem has no form, so this one stays.
  const problem = find(reply, "[data-kapa-handoff-problem]")?.textContent;
  if (problem) return problem;
  // Keep what was typed while the request was under way.
  for (const { name, value } of inputsOf(dialog)) {
    const input = find<HTMLInputElement>(reply, `[name=${name}]`);
    if (input) input.value = value;
  }
  dialog.replaceChildren(...reply.childNodes);
  prepare(draft);
  return undefined;
}

/** After the dialog is closed, replaces the button with the ticket's reference, or reports the cancel to the server. */
function close(draft: ShownDraft): void {
  const { dialog, offer, reference } = draft;
  if (dialog.open) return; // it was opened again before this event came
  dialog.remove();
  showStates();
  if (reference) {
    const line = sentLine(offer);
    const note = line ? find(line, "p") : find(dialog, ".kapa-handoff-reference");
    // A site's own template may have no such line.
    if (!line) real(offer).replaceWith(...(note ? [note] : []));
    note?.focus();
  }
  const token = find<HTMLInputElement>(dialog, "[name=offer]")?.value;
  if (!token || draft.isSending) return;
  emit("cancel", draft);
  const body = JSON.stringify({ offer: token, event: "cancel" });
  // It is only counted, so nothing is lost if this fails.
  loadFragment("events", DIALOG, { method: "POST", keepalive: true, body }).catch(logFailure);
}

/** Turbo and htmx keep a copy of the page when it is left, in which dialogs and busy buttons would not work. */
export function cleanBeforeCopy(): void {
  closeBeforeCopy();
  for (const button of findDeep(`${OFFER} [aria-busy]`)) button.ariaBusy = null;
}
