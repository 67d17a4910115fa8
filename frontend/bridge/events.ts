/** Handles what Kapa's widget, or a page with the SDK's callbacks, reports about a conversation. */
import type { ToldPair } from "../shared/conversation";
import { noteChange, ownButton } from "./own_button";
import { beginPair, completePair, forgetThread, live, openThread, threads } from "./transcript";

/** The documented event of a complete answer, or of a vote, which has a reaction. */
export interface KapaEvent {
  threadId: string;
  conversation: ToldPair[];
  questionAnswerId: string;
  reaction?: unknown;
  comment?: unknown;
}

/** Stores a whole conversation as the widget reports it. */
export function hear({ threadId, conversation, questionAnswerId, reaction, comment }: KapaEvent): void {
  const thread = openThread(threadId);
  const { pairs } = thread;
  let position = 0;
  for (const { questionAnswerId: id, question, answer } of conversation) {
    if (!id) continue; // stopped answers have none
    let pair =
      pairs.find((each) => each.id === id) ?? pairs.find((each) => each.stopped && each.question === question);
    if (!pair) {
      // A vote's event has the conversation from the moment of the click, which may be over by now.
      if (reaction) continue;
      pair = beginPair(question);
      pairs.splice(position, 0, pair);
    }
    if (pair.stopped) {
      completePair(pair, id);
      pair.answer = answer;
    }
    live.delete(pair);
    position = pairs.indexOf(pair) + 1;
  }
  if (!reaction) thread.known = true;
  noteVote(questionAnswerId, reaction, comment);
}

/** Records a vote on an answer and its reason, or a complete answer without one. An unknown id changes nothing. */
export function noteVote(id: unknown, reaction: unknown, comment: unknown): void {
  for (const [threadId, { pairs }] of threads) {
    for (const pair of pairs) {
      if (pair.id !== id) continue;
      pair.reaction = reaction;
      pair.comment = comment;
      noteChange(threadId);
    }
  }
}

/** The visitor has begun a new conversation. */
export function reset({ threadId }: { threadId: string }): void {
  forgetThread(threadId);
  noteChange(threadId);
  ownButton()?.reset(threadId);
}
