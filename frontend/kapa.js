/** Kapa's documented queue: takes handlers until Kapa's bundle has loaded, which drains it. */
(() => {
  "use strict";

  const page = /** @type {any} */ (window);
  if (typeof page.Kapa === "function") return; // an element's id makes a global, too
  /** @type {any} */
  const queue = function () {
    queue.c(arguments);
  };
  queue.q = [];
  queue.c = queue.q.push.bind(queue.q);
  page.Kapa = queue;
})();
