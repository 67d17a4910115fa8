/** Reports each answer and vote to `KapaHandoff` if the page shows this package's own button. */
import { doc, scriptGlobal } from "../shared/page";
import { type WirePair, live, threads, writeStorage } from "./transcript";

/** The functions of `window.KapaHandoff` that the bridge calls. */
interface OwnButton {
  answer(pair: Omit<WirePair, "reaction"> & { threadId: string }): void;
  vote(id: string, reaction: unknown): void;
  reset(threadId: string): void;
}

/** What was reported of a pair, so that the server is asked only about changes. */
const told = new WeakMap<WirePair, { text: string; reaction: unknown }>();

export function ownButton(): OwnButton | undefined {
  return scriptGlobal<OwnButton>("KapaHandoff");
}

/** Saves a changed thread for a reload, and reports what is new in it to the button. */
export function noteChange(threadId: string): void {
  writeStorage();
  const thread = threads.get(threadId);
  const button = doc.querySelector("script[data-bridge=button]") ? ownButton() : undefined;
  if (!thread?.known || !button) return;
  for (const pair of thread.pairs) {
    if (live.has(pair)) continue;
    const { reaction, ...facts } = pair;
    const text = JSON.stringify(facts);
    const before = told.get(pair);
    told.set(pair, { text, reaction });
    if (text !== before?.text) button.answer({ ...facts, threadId });
    if (reaction !== before?.reaction) button.vote(pair.id, reaction);
  }
}
