/** Copies Kapa's answer while the page reads it, without changing what the page gets. */
import type { ByteReader } from "./answer_stream";

type Cancelable = Pick<ReadableStream, "cancel">;

/** A reader for a copy of the answer's body; undefined if there is nothing to read. */
export function copyAnswer(response: Response): ByteReader | undefined {
  const reader = response.clone().body?.getReader();
  const { body } = response; // after clone(), which replaces it
  if (!body || !reader) return undefined;
  cancelTogether(body, reader);
  // The page may cancel its reader instead of the body. The wrapper keeps all overloads of the method.
  const getReader: (...options: unknown[]) => Cancelable = body.getReader;
  const wrapper = (...options: unknown[]) => cancelTogether(getReader.apply(body, options), reader);
  body.getReader = wrapper as typeof body.getReader;
  return response.ok ? reader : undefined;
}

/** Cancels the copy when the page cancels its body: the connection is closed only once both are cancelled. */
function cancelTogether<T extends Cancelable>(stream: T, copy: Cancelable): T {
  const cancel = stream.cancel;
  stream.cancel = (...reason) => {
    copy.cancel().catch(() => {
      // The copy has failed together with the page's body, and the page is told.
    });
    return cancel.apply(stream, reason);
  };
  return stream;
}
