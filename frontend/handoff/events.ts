/** The events of the document, and the handlers that hear them. */
import { type HandoffDetail, asToldPair } from "../shared/conversation";
import { doc } from "../shared/page";
import type { KnownPair } from "./types";

export type EventName = "before-open" | "open" | "submit" | "cancel";
export type Handler = (detail: HandoffDetail) => unknown;

/** What an event is about. */
export interface Subject {
  threadId: string;
  desk: string;
  pairs: KnownPair[];
  reference?: string;
}

const listeners = new Map<Handler, (event: Event) => void>();

/** Tells the document; returns false if a handler has prevented what the event announces. */
export function emit(name: EventName, { threadId, desk, pairs, reference }: Subject): boolean {
  const detail: HandoffDetail = { threadId, conversation: pairs.map(asToldPair), desk };
  if (reference) detail.reference = reference;
  return doc.dispatchEvent(new CustomEvent(`kapa-handoff:${name}`, { detail, cancelable: true }));
}

/** The handler gets the detail of each such event. One that throws keeps no other from its call. */
export function addHandler(name: string, handler: Handler): void {
  const listener = listeners.get(handler) ?? ((event: Event) => handler((event as CustomEvent<HandoffDetail>).detail));
  listeners.set(handler, listener);
  doc.addEventListener(`kapa-handoff:${name}`, listener);
}

export function removeHandler(name: string, handler: Handler): void {
  const listener = listeners.get(handler);
  if (listener) doc.removeEventListener(`kapa-handoff:${name}`, listener);
}
