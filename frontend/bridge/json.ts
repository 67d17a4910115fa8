/** Reads what others have written: a value is what it should be, or it is not there. */

export type Fields = Record<string, unknown>;

/** The value's fields; none if it is no object, which `Object()` makes one of. */
export function fieldsOf(value: unknown): Fields {
  return Object(value);
}

/** The fields of an object that is written as JSON; none if it is anything else. */
export function parseFields(text: unknown): Fields {
  try {
    return fieldsOf(JSON.parse(String(text)));
  } catch {
    // JSON.parse() has no other way to say that a text is no JSON.
    return {};
  }
}
