/** Reads JSON from others: a value of the wrong type counts as missing. */

export type Fields = Record<string, unknown>;

/** The value's fields; if it is not an object, `Object()` makes an empty one. */
export function fieldsOf(value: unknown): Fields {
  return Object(value);
}

/** The fields of an object in JSON; empty if it is anything else. */
export function parseFields(text: unknown): Fields {
  try {
    return fieldsOf(JSON.parse(String(text)));
  } catch {
    // JSON.parse() throws if a text is not JSON.
    return {};
  }
}
