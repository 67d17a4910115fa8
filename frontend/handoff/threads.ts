/** The conversations on this page, as the chat reports them. */
import type { KnownPair, Thread } from "./types";

/** By id, the current one last. */
export const threads = new Map<string, Thread>();

/** Conversations that are over: a page that Turbo or htmx has cached still has their buttons. */
const past = new Map<string, Thread>();

/** Adds or updates a pair, and makes its thread the current one. */
export function addPair(threadId: string, pair: KnownPair): Thread {
  const thread: Thread = threads.get(threadId) ?? { id: threadId, pairs: new Map() };
  threads.delete(threadId);
  threads.set(threadId, thread);
  thread.pairs.set(pair.id, { ...thread.pairs.get(pair.id), ...pair });
  return thread;
}

/** The newest thread that has a pair with this id. */
export function findThreadWith(pairId: string): Thread | undefined {
  return [...threads.values()].reverse().find(({ pairs }) => pairs.has(pairId));
}

export function endThread(threadId: string): void {
  const thread = threads.get(threadId);
  if (thread) past.set(threadId, thread);
  threads.delete(threadId);
}

export function currentThread(): Thread | undefined {
  return [...threads.values()].pop();
}

export function newestPair(thread: Thread): KnownPair | undefined {
  return [...thread.pairs.values()].pop();
}

/** The pairs of a thread, whether or not it is over; empty for an unknown one. */
export function pairsOf(threadId: string): KnownPair[] {
  const thread = threads.get(threadId) ?? past.get(threadId);
  return thread ? [...thread.pairs.values()] : [];
}
