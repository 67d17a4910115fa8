/** Kapa's documented queue: takes handlers until Kapa's bundle has loaded, which drains it. */
import { scriptGlobal } from "./page.js";

(() => {
  const page = /** @type {any} */ (window);
  if (typeof scriptGlobal("Kapa") === "function") return;
  /** @type {any} */
  const queue = function () {
    queue.c(arguments);
  };
  queue.q = [];
  queue.c = queue.q.push.bind(queue.q);
  page.Kapa = queue;
})();
