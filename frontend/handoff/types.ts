/** The types that the modules of this script share. */
import type { Pair } from "../shared/conversation";

export type Reaction = "upvote" | "downvote" | null;

/** A pair with everything that the page reported; it is sent to the server unchanged. */
export interface KnownPair extends Pair {
  sources?: object[];
  uncertain?: boolean;
  /** The answer is incomplete: the visitor stopped it, or it failed. */
  stopped?: boolean;
  reaction?: Reaction;
  /** What the visitor said with the vote. */
  comment?: unknown;
  /** The names of files that the visitor gave to the chat. */
  files?: unknown[];
}

export interface Thread {
  id: string;
  /** By id, the newest last. */
  pairs: Map<string, KnownPair>;
}
