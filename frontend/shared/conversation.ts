/** A conversation, as pages, Kapa and this package's scripts pass it on. */

/** A question with its answer. */
export interface Pair {
  id: string;
  question: string;
  answer: string;
}

/** A pair as the events tell it. */
export interface ToldPair {
  questionAnswerId: string;
  question: string;
  answer: string;
}

/** What the events of the document carry in their `detail`. */
export interface HandoffDetail {
  threadId: string;
  conversation: ToldPair[];
  desk: string;
  /** That of the ticket, once there is one. */
  reference?: string;
}

export function asToldPair({ id, question, answer }: Pair): ToldPair {
  return { questionAnswerId: id, question, answer };
}
