/** Logs for the site's developer why a request failed; visitors are told elsewhere if it matters to them. */
export function logFailure(reason: unknown): void {
  console.warn("kapa-handoff: a request failed.", reason);
}
