/** Reads along while the page reads Kapa's answer, without changing what the page gets. */
import type { ByteReader } from "./answer_stream";

type Cancelable = Pick<ReadableStream, "cancel">;

/** A reader of a copy of the answer's body; undefined if there is none to read. */
export function copyAnswer(response: Response): ByteReader | undefined {
  const reader = response.clone().body?.getReader();
  const { body } = response; // after clone(), which gives the response another one
  if (!body || !reader) return undefined;
  cancelTogether(body, reader);
  // The page may cancel the reader that it gets instead of the body. The wrapper has all overloads of the method.
  const getReader: (...options: unknown[]) => Cancelable = body.getReader;
  const wrapper = (...options: unknown[]) => cancelTogether(getReader.apply(body, options), reader);
  body.getReader = wrapper as typeof body.getReader;
  return response.ok ? reader : undefined;
}

/** Cancels the copy when the page cancels its own: a connection that two read is closed only when both have left. */
function cancelTogether<T extends Cancelable>(stream: T, copy: Cancelable): T {
  const cancel = stream.cancel;
  stream.cancel = (...reason) => {
    copy.cancel().catch(() => {
      // The copy has already failed as the page's has, which hears of it.
    });
    return cancel.apply(stream, reason);
  };
  return stream;
}
