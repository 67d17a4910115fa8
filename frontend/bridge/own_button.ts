/** Reports each answer and vote to `KapaHandoff` if the page shows this package's own button. */
import { doc, scriptGlobal } from "../shared/page";
import { type WirePair, live, threads, writeStorage } from "./transcript";

/** The functions of `window.KapaHandoff` that the bridge calls. */
interface OwnButton {
  answer(pair: WirePair & { threadId: string }): void;
  reset(threadId: string): void;
}

/** What was reported of a pair, so that the server is asked only about changes. */
const told = new WeakMap<WirePair, string>();

export function ownButton(): OwnButton | undefined {
  return scriptGlobal<OwnButton>("KapaHandoff");
}

/** Saves a changed thread for a reload, and reports what is new in it to the button. */
export function noteChange(threadId: string): void {
  writeStorage();
  const thread = threads.get(threadId);
  const button = ownButton();
  if (!thread?.known || !button || !doc.querySelector("script[data-bridge=button]")) return;
  for (const pair of thread.pairs) {
    if (live.has(pair)) continue;
    const news = { ...pair, threadId };
    const text = JSON.stringify(news);
    if (text === told.get(pair)) continue;
    told.set(pair, text);
    button.answer(news);
  }
}
