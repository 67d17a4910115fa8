/**
 * Keeps what was typed, for the tab: by thread and desk until it is sent. The address is also kept for other threads,
 * and longer, on this device, if the visitor ticks the box. The browser may block storage, or it may be full, and other
 * scripts may write to it: then nothing is kept, and all else works.
 */
import type { Draft } from "./draft";

/** What is kept of a thread on a desk. */
interface Kept {
  /** What differs from the new form, by the name of the field. */
  typed?: Record<string, unknown>;
  /** The latest ticket's reference, by the id of the answer under which it was sent. */
  sent?: Record<string, string>;
}

type Place = Pick<Draft, "key" | "desk">;

const PREFIX = "kapa-handoff:";

export function attempt<T>(use: () => T): T | undefined {
  try {
    return use();
  } catch {
    return undefined;
  }
}

function desksOf(key: string): Record<string, Kept> {
  return attempt(() => JSON.parse(sessionStorage[PREFIX + key])) ?? {};
}

export function keptOf({ key, desk }: Place): Kept {
  return desksOf(key)[desk] ?? {};
}

export function keep({ key, desk }: Place, change: Kept): void {
  const desks = desksOf(key);
  const kept = JSON.stringify({ ...desks, [desk]: { ...desks[desk], ...change } });
  attempt(() => (sessionStorage[PREFIX + key] = kept));
}

export function forget(key: string): void {
  attempt(() => delete sessionStorage[PREFIX + key]);
}
