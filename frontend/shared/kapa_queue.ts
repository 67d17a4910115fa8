/** Kapa's documented queue: the global function `Kapa` takes calls until Kapa's bundle has loaded and drains it. */

/** A call of `Kapa()`: an event's name, a handler, and "add" or "remove"; but pages may pass anything. */
export type KapaCall = unknown[];

export type KapaFunction = (...call: KapaCall) => unknown;

/** Receives the calls; `q` holds them, and `c` is called for each, as in Kapa's documentation. */
export function makeKapaQueue(): KapaFunction {
  const calls: KapaCall[] = [];
  const queue = (...call: KapaCall) => {
    queue.c(call);
  };
  queue.q = calls;
  queue.c = (call: KapaCall) => {
    calls.push(call);
  };
  return queue;
}
