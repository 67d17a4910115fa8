/** The bridge's own tag, and what the server is told about an answer. */
import { readScriptTag } from "../shared/script_tag";
import type { WirePair } from "./transcript";

/** Undefined: nothing else happens. */
export const tag = readScriptTag("bridge.js", "script[data-bridge]")!;

/** The facts about an answer, for a request; `pairs` is the number of pairs up to and including this one. */
export function factsOf(threadId: string, pair: WirePair, pairs: number): URLSearchParams {
  return new URLSearchParams({
    ...tag.element.dataset, // the desk, and data-requested
    event: "answer",
    pairs,
    uncertain: !!pair.uncertain,
    downvoted: pair.reaction === "downvote",
    stopped: !!pair.stopped,
    thread_id: threadId,
    answer_id: pair.id,
    // More than the server keeps, which ends it after a whole parameter.
    page: location.href.slice(0, 2e3),
  } as object as Record<string, string>); // it makes texts of them
}
