/** What the modules of this script tell each other. */
import type { Pair } from "../shared/conversation";

export type Reaction = "upvote" | "downvote" | null;

/** A pair with all that the page told of it; the server gets it as it is. */
export interface KnownPair extends Pair {
  sources?: object[];
  uncertain?: boolean;
  reaction?: Reaction;
}

export interface Thread {
  id: string;
  /** By their ids, the newest last. */
  pairs: Map<string, KnownPair>;
}
