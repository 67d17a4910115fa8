/** The conversations of this tab: what was asked and answered, in order, with votes. */
import type { Pair } from "../shared/conversation";
import { randomUuid } from "./uuid";

/** A pair as the bridge knows it. What is unknown here is Kapa's, and the server judges it. */
export interface WirePair extends Pair {
  /** There while the answer is not complete: it comes, was stopped, or broke off. Its id is then one of our own. */
  stopped?: true;
  sources?: unknown;
  uncertain?: boolean;
  reaction?: unknown;
}

export interface Thread {
  /** Whether the conversation is known from its first question on. Else its tickets are Kapa's. */
  known: boolean;
  pairs: WirePair[];
}

const STORAGE_KEY = "KapaHandoff";

/** By their ids. */
export const threads = readStorage();

/** Pairs whose answers are coming in. */
export const live = new Set<WirePair>();

/** Questions that failed before Kapa had named a thread; they begin the next one. */
export let threadless: WirePair[] = [];

/** What was asked so far belongs to no conversation that is still to come. */
export function forgetThread(id: string): void {
  threads.delete(id);
  threadless = [];
}

/** The thread; one that is new begins here, and is known only if its first question was seen. */
export function openThread(id: string, known = false): Thread {
  const thread = threads.get(id) ?? { known, pairs: [] };
  threads.set(id, thread);
  return thread;
}

export function beginPair(question: string): WirePair {
  return { id: randomUuid(), question, answer: "", stopped: true };
}

/** The answer is complete, and this is Kapa's id of it. */
export function completePair(pair: WirePair, id: string): void {
  pair.id = id;
  delete pair.stopped;
}

/** Conversations go on after a reload of the page, but not in another tab. */
export function writeStorage(): void {
  try {
    // First, so that nothing old is left if the new text does not fit.
    sessionStorage.removeItem(STORAGE_KEY);
    sessionStorage.setItem(STORAGE_KEY, JSON.stringify([...threads]));
  } catch {
    // The browser keeps nothing (a full or forbidden storage): that costs the conversation at a reload, no more.
  }
}

function readStorage(): Map<string, Thread> {
  try {
    return new Map(JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? "[]"));
  } catch {
    // A forbidden storage, or a text that is another script's: no conversation goes on.
    return new Map();
  }
}
