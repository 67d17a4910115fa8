/**
 * Hears what pages register the way Kapa documents it, `Kapa("onAskAIHandoffSubmit", handler, "add")`, whether or not
 * Kapa's own widget is on the page.
 */
import { type KapaCall, type KapaFunction, makeKapaQueue } from "../shared/kapa_queue";
import { scriptGlobal } from "../shared/page";
import { type Handler, addHandler, removeHandler } from "./events";

/** What `window.Kapa` is for the page. */
let shown: unknown;

/** Takes notice of a call of `Kapa()`, which reaches Kapa as well. */
function notice([name, handler, action]: KapaCall): void {
  const event = /^onAskAIHandoff(Open|Submit|Cancel)$/.exec(String(name))?.[1]?.toLowerCase();
  if (!event || typeof handler !== "function") return;
  if (action === "remove") removeHandler(event, handler as Handler);
  else addHandler(event, handler as Handler);
}

/** Notices the calls that a queue has, and each that comes. */
function watch(kapa: unknown): void {
  shown = kapa;
  if (typeof kapa !== "function") return;
  const queued: unknown = Reflect.get(kapa, "q");
  if (Array.isArray(queued)) queued.forEach(notice);
  // A Proxy, as Kapa's function has members.
  shown = new Proxy(kapa as KapaFunction, {
    apply(target, self, call) {
      notice(call);
      return Reflect.apply(target, self, call);
    },
  });
}

/** From now on each value of `window.Kapa` is watched: Kapa's bundle replaces the queue when it has loaded. */
export function watchKapa(): void {
  const present = scriptGlobal("Kapa");
  watch(typeof present === "function" ? present : makeKapaQueue());
  Object.defineProperty(window, "Kapa", { configurable: true, get: () => shown, set: watch });
}
