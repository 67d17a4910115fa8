/** Dispatches the document's events, and subscribes handlers to them. */
import { type HandoffDetail, asToldPair } from "../shared/conversation";
import { doc } from "../shared/page";
import type { KnownPair } from "./types";

export type EventName = "before-open" | "open" | "submit" | "cancel";
export type Handler = (detail: HandoffDetail) => unknown;

/** The subject of an event. */
export interface Subject {
  threadId: string;
  desk: string;
  pairs: KnownPair[];
  reference?: string;
}

const listeners = new Map<Handler, (event: Event) => void>();

/** Dispatches an event on the document; returns false if a handler has prevented the default. */
export function emit(name: EventName, { threadId, desk, pairs, reference }: Subject): boolean {
  const detail: HandoffDetail = { threadId, conversation: pairs.map(asToldPair), desk };
  if (reference) detail.reference = reference;
  return doc.dispatchEvent(new CustomEvent(`kapa-handoff:${name}`, { detail, cancelable: true }));
}

/** Calls the handler with the detail of each such event. If one throws, the others are still called. */
export function addHandler(name: string, handler: Handler): void {
  const listener = listeners.get(handler) ?? ((event: Event) => handler((event as CustomEvent<HandoffDetail>).detail));
  listeners.set(handler, listener);
  doc.addEventListener(`kapa-handoff:${name}`, listener);
}

export function removeHandler(name: string, handler: Handler): void {
  const listener = listeners.get(handler);
  if (listener) doc.removeEventListener(`kapa-handoff:${name}`, listener);
}
