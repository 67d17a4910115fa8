/** What is known about an open form, and the parts of the form that have a module of their own. */
import type { Subject } from "./events";

/** A form that was opened, with everything known about it. */
export interface Draft extends Subject {
  /** The thread's id; without a thread, the signed offer; "" without a conversation. */
  key: string;
  /** The signed offer that the button carried. */
  token: string;
  /** The button with its form. */
  offer: HTMLElement;
  isSending: boolean;
}

/** A draft that is shown in a dialog. */
export interface ShownDraft extends Draft {
  dialog: HTMLDialogElement;
}

/** Sets up a part of the form, each time after the server has sent its content: the form, its errors or the thanks. */
export type Part = (draft: ShownDraft) => void;

/** In the order in which they are set up. */
export const parts: Part[] = [];
