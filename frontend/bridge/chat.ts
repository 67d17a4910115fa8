/** Follows Kapa's own requests as the page sends them: questions with their answers, and votes. */
import { copyAnswer } from "./answer_copy";
import { readAnswer } from "./answer_stream";
import { noteVote } from "./events";
import { fieldsOf, parseFields } from "./json";
import { noteChange } from "./own_button";
import { type Thread, beginPair, live, openThread, threadless } from "./transcript";

let hasWarned = false;

/** Of the files that were uploaded on this page, by id. */
const fileNames = new Map<unknown, unknown>();

/**
 * Follows a question and its answer into the transcript.
 *
 * @param sending - the page's own request
 * @param body - the request's body
 * @param threadId - from the address; a thread's first question has none, and the answer names it
 */
export async function followChat(sending: Promise<Response>, body: unknown, threadId?: string): Promise<void> {
  // Immediately, before the page begins to read.
  const copying = sending.then(copyAnswer).catch(() => undefined); // the page is told of the failed request; no answer
  const earlier = threadless;
  const pair = beginPair("");
  live.add(pair);
  let thread: Thread | undefined;
  if (threadId) {
    thread = openThread(threadId);
    thread.pairs.push(pair);
  }
  const takeThread = (id: unknown) => {
    if (!thread && typeof id === "string") {
      threadId = id;
      thread = openThread(id, true);
      thread.pairs.push(...earlier.splice(0), pair);
    }
    return !!thread;
  };
  let isUnderstood = true;
  try {
    const { query, files } = parseFields(await body);
    if (typeof query === "string") pair.question = query;
    else isUnderstood = false;
    if (Array.isArray(files)) pair.files = files.map((id) => fileNames.get(id));
    const reader = await copying;
    if (reader && !(await readAnswer(reader, pair, takeThread))) isUnderstood = false;
  } catch {
    // The connection broke, or the page closed it: keep as much of the answer as has come in.
  }
  // A complete answer without its uncertainty is only half known.
  if (!pair.stopped && pair.uncertain === undefined) isUnderstood = false;
  // If the widget has reported the answer meanwhile, the stream has nothing to add.
  const isUntold = live.delete(pair);
  if (isUntold && !isUnderstood) {
    if (!hasWarned) console.warn("kapa-handoff: unknown answer, left to Kapa");
    hasWarned = true;
    if (thread) thread.known = false;
  } else if (!thread) {
    earlier.push(pair);
    // Until Kapa names the thread, its first question does.
    [{ id: threadId } = pair] = earlier;
    openThread(threadId, true).pairs = earlier;
  }
  if (threadId) noteChange(threadId);
}

/** Records a vote, and the reason for it, once Kapa has accepted it. */
export async function followFeedback(sending: Promise<Response>, body: unknown): Promise<void> {
  const { question_answer, reaction, comment } = parseFields(await body);
  if ((await sending).ok) noteVote(question_answer, reaction, comment);
}

/** Remembers the name of a file that is uploaded: the question it belongs to has only its id. */
export async function followUpload(sending: Promise<Response>, body: unknown): Promise<void> {
  const { id } = fieldsOf(await (await sending).clone().json());
  fileNames.set(id, parseFields(await body).file_name);
}
