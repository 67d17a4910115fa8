/** Reads Kapa's answer, a stream of JSON objects that each end with `␞`, into a pair. */
import { fieldsOf, parseFields } from "./json";
import { type WirePair, completePair } from "./transcript";

export type ByteReader = ReadableStreamDefaultReader<Uint8Array>;

const SEPARATOR = "\u241e";

/** Receives the thread's id, which a stream may contain more than once; returns whether the thread is now known. */
type TakeThread = (id: unknown) => boolean;

/**
 * Reads a stream until it ends; returns whether all of it was understood.
 *
 * @throws the error of the network, if the stream breaks off
 */
export async function readAnswer(reader: ByteReader, pair: WirePair, takeThread: TakeThread): Promise<boolean> {
  const decoder = new TextDecoder();
  let rest = "";
  while (true) {
    const { done, value } = await reader.read();
    const parts = (rest + decoder.decode(value, { stream: !done })).split(SEPARATOR);
    rest = parts.pop() ?? "";
    if (!parts.every((part) => readObject(part, pair, takeThread))) return false;
    if (done) return !rest;
  }
}

/** Reads one object of the stream; returns whether it has the format that Kapa used when this was written. */
function readObject(text: string, pair: WirePair, takeThread: TakeThread): boolean {
  const { type, content } = fieldsOf(parseFields(text).chunk);
  const { thread_id, text: more, relevant_sources, is_uncertain, question_answer_id } = fieldsOf(content);
  switch (type) {
    case "stream_start":
      return takeThread(thread_id);
    case "partial_answer":
      if (typeof more !== "string") return false;
      pair.answer += more;
      return true;
    case "relevant_sources":
      pair.sources = relevant_sources;
      return true;
    case "metadata":
      pair.uncertain = !!is_uncertain;
      return true;
    case "identifiers":
      if (!takeThread(thread_id) || typeof question_answer_id !== "string") return false;
      completePair(pair, question_answer_id);
      return true;
    default:
      return type === "agent_activity_update" || type === "error";
  }
}
