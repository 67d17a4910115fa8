/** `window.KapaHandoff`: what a page may call. The README's "A chat that runs in the browser" describes it. */
import { askForOffer, refreshButton, removeButtons } from "./buttons";
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

  /** The visitor has voted on an answer, or taken the vote back (null). */
  vote(id: string, reaction: Reaction): void {
    const thread = findThreadWith(id);
    const pair = thread?.pairs.get(id);
    if (!thread || !pair) return;
    const isAboutDownvote = pair.reaction === "downvote" || reaction === "downvote";
    pair.reaction = reaction;
    if (isAboutDownvote) void refreshButton(thread, id);
  },

  /** A new conversation begins; the id is that of the old one. */
  reset(threadId: string): void {
    endThread(threadId);
    forgetDraft(threadId);
    removeButtons(threadId);
  },

  /** Opens the form for the current conversation, if its latest answer is offered; resolves to whether it opened. */
  async open({ desk = server.desk }: { desk?: string } = {}): Promise<boolean> {
    const thread = currentThread();
    const pair = thread && newestPair(thread);
    const offer = thread && pair && (await askForOffer(thread, pair.id, desk));
    return !!offer && openForm(offer);
  },

  /** Calls the handler at each such event, with its detail; returns a function that removes it. */
  on(event: EventName, handler: Handler): () => void {
    addHandler(event, handler);
    return () => removeHandler(event, handler);
  },

  /** Makes each request of the script; put a function of your own in its place to change them. */
  get request(): MakeRequest {
    return server.request;
  },
  set request(request: MakeRequest) {
    server.request = request;
  },
};
