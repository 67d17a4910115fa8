/** The conversations of this tab: what was asked and answered, in order, with votes. */
import type { Pair } from "../shared/conversation";
import { randomUuid } from "./uuid";

/** A pair as the bridge knows it. Values of type unknown come from Kapa, and the server checks them. */
export interface WirePair extends Pair {
  /** Set while the answer is not complete: it is coming in, was stopped, or broke off. Its id is then our own. */
  stopped?: true;
  sources?: unknown;
  uncertain?: boolean;
  reaction?: unknown;
  /** Why the visitor voted so: Kapa's object, or its JSON. */
  comment?: unknown;
  /** The names of the files that were given with the question. */
  files?: unknown[];
}

export interface Thread {
  /** Whether the conversation is known from its first question. If not, its tickets go to Kapa. */
  known: boolean;
  pairs: WirePair[];
}

const STORAGE_KEY = "KapaHandoff";

/** By id. */
export const threads = readStorage();

/** Pairs whose answers are coming in. */
export const live = new Set<WirePair>();

/** Questions that failed before Kapa named a thread; the next thread begins with them. */
export let threadless: WirePair[] = [];

/** Forgets what was asked so far, which does not belong to later conversations. */
export function forgetThread(id: string): void {
  threads.delete(id);
  threadless = [];
}

/** The thread, created if it is new; it is known only if its first question was seen. */
export function openThread(id: string, known = false): Thread {
  const thread = threads.get(id) ?? { known, pairs: [] };
  threads.set(id, thread);
  return thread;
}

export function beginPair(question: string): WirePair {
  return { id: randomUuid(), question, answer: "", stopped: true };
}

/** Marks an answer as complete, with Kapa's id for it. */
export function completePair(pair: WirePair, id: string): void {
  pair.id = id;
  delete pair.stopped;
}

/** Saves the conversations, which continue after a reload of the page, but not in another tab. */
export function writeStorage(): void {
  try {
    // First, so that nothing outdated remains if the new text does not fit.
    delete sessionStorage[STORAGE_KEY];
    sessionStorage[STORAGE_KEY] = JSON.stringify([...threads]);
  } catch {
    // The storage is full or forbidden: only a reload loses the conversation.
  }
}

function readStorage(): Map<string, Thread> {
  try {
    return new Map(JSON.parse(sessionStorage[STORAGE_KEY]));
  } catch {
    // The storage is empty or forbidden, or has another script's text: no conversation continues.
    return new Map();
  }
}
