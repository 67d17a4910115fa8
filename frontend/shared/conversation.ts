/** A conversation in the form that pages, Kapa and this package's scripts exchange. */

/** A question with its answer. */
export interface Pair {
  id: string;
  question: string;
  answer: string;
}

/** A pair as the events report it. */
export interface ToldPair {
  questionAnswerId: string;
  question: string;
  answer: string;
}

/** The `detail` of the document's events. */
export interface HandoffDetail {
  threadId: string;
  conversation: ToldPair[];
  desk: string;
  /** The reference of the ticket, once there is one. */
  reference?: string;
}

export function asToldPair({ id, question, answer }: Pair): ToldPair {
  return { questionAnswerId: id, question, answer };
}
