/** Makes random ids. */

/** A random UUID (version 4). `crypto.randomUUID()` is missing on pages served over plain http, as on intranets. */
export function randomUuid(): string {
  return "xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx".replace(/x/g, () =>
    (crypto.getRandomValues(new Uint8Array(1))[0]! % 16).toString(16),
  );
}
