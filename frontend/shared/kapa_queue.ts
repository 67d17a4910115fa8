/** Kapa's documented queue: the global function `Kapa` takes calls until Kapa's bundle has loaded and drains it. */

/** A call of `Kapa()`: an event's name, a handler, and "add" or "remove"; but a page may pass anything. */
export type KapaCall = unknown[];

export type KapaFunction = (...call: KapaCall) => unknown;

/** Takes the calls; `q` holds them, and `c` is called for each, as Kapa's documentation has it. */
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
