/** `window.KapaHandoff`: what pages may call. The README's "A chat that runs in the browser" describes it. */
import { askForOffer, refreshButton, removeButtons } from "./buttons";
import { parts } from "./draft";
import { type EventName, type Handler, addHandler, removeHandler } from "./events";
import { forgetDraft, openForm } from "./form";
import { type MakeRequest, server } from "./server";
import { addPair, currentThread, endThread, findThreadWith, newestPair } from "./threads";
import type { KnownPair, Reaction } from "./types";

export const api = {
  /** An answer is complete, or has changed. */
  answer({ threadId, ...pair }: KnownPair & { threadId: string }): void {
    void refreshButton(addPair(threadId, pair), pair.id);
  },

  /** The visitor has voted on an answer, or withdrawn the vote (null). */
  vote(id: string, reaction: Reaction): void {
    const thread = findThreadWith(id);
    const pair = thread?.pairs.get(id);
    if (!thread || !pair) return;
    const isAboutDownvote = pair.reaction === "downvote" || reaction === "downvote";
    pair.reaction = reaction;
    if (isAboutDownvote) void refreshButton(thread, id);
  },

  /** A new conversation begins; the id is the old one's. */
  reset(threadId: string): void {
    endThread(threadId);
    forgetDraft(threadId);
    removeButtons(threadId);
  },

  /**
   * Opens the form for the current conversation, if its latest answer has an offer; without one, or without any answer,
   * if the desk may be asked directly. Resolves to whether it opened.
   */
  async open({ desk = server.desk }: { desk?: string } = {}): Promise<boolean> {
    const thread = currentThread();
    const offer = await askForOffer(thread, thread && newestPair(thread)?.id, { desk, direct: true });
    return !!offer && openForm(offer);
  },

  /** Subscribes a handler, called with each event's detail; returns an unsubscribe function. */
  on(event: EventName, handler: Handler): () => void {
    addHandler(event, handler);
    return () => removeHandler(event, handler);
  },

  /** Where the dialog and the floating button go; undefined: into the modal around the button, or the body. */
  container: undefined as Element | undefined,

  /** The parts of the form, to which form.js adds its own; not for pages. */
  parts,

  /** Sends each request of the script; replace it with your own function to change them. */
  get request(): MakeRequest {
    return server.request;
  },
  set request(request: MakeRequest) {
    server.request = request;
  },
};
