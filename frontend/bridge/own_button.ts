/** Reports each answer and vote: to `KapaHandoff` if the page shows this package's own button, else to the server. */
import { doc, scriptGlobal } from "../shared/page";
import { factsOf, tag } from "./tag";
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

/** Saves a changed thread for a reload, and reports what is new in it: to the button, or else to the server. */
export function noteChange(threadId: string): void {
  writeStorage();
  const thread = threads.get(threadId);
  // Null: Kapa's own form is shown. Undefined: the button's script has not loaded yet.
  const button = doc.querySelector("script[data-bridge=button]") && ownButton();
  if (!thread?.known || button === undefined) return;
  let pairs = 0;
  for (const pair of thread.pairs) {
    pairs++;
    const news = { ...pair, threadId };
    const text = JSON.stringify(news);
    if (live.has(pair) || text === told.get(pair)) continue;
    told.set(pair, text);
    if (button) button.answer(news);
    else navigator.sendBeacon(`${tag.base}events`, factsOf(threadId, pair, pairs));
  }
}
