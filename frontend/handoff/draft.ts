/** What is known about an open form, and the parts of the form that have a module of their own. */
import type { Subject } from "./events";
import type { loadFragment } from "./server";

/** The button with its form, as the server sends it. */
export const OFFER = "[data-kapa-handoff-offer]";

/** A form that was opened, with everything known about it. */
export interface Draft extends Subject {
  /** Identifies the thread: by its id, if it has one; "" without a conversation. */
  key: string;
  /** The signed offer that the button carried. */
  token: string;
  /** The button with its form. */
  offer: HTMLElement;
  isSending: boolean;
  /** Resolves to whether the files that are being uploaded were taken. */
  uploading?: Promise<boolean>;
  /** What the fields contained when the form was new, by name. */
  empty?: Record<string, unknown>;
}

/** A draft that is shown in a dialog. */
export interface ShownDraft extends Draft {
  dialog: HTMLDialogElement;
}

/**
 * Sets up a part of the form, each time after the server has sent its content: the form, its errors or the thanks.
 *
 * @param load - sends a request; form.js has no state of its own
 */
export type Part = (draft: ShownDraft, load: typeof loadFragment) => void;

/** In the order in which they are set up; form.js adds its own. */
export const parts: Part[] = [];
