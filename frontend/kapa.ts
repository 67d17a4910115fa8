/** Lets a page call `Kapa()` at once, before Kapa's bundle has loaded. */
import { makeKapaQueue } from "./shared/kapa_queue";
import { scriptGlobal } from "./shared/page";

if (typeof scriptGlobal("Kapa") !== "function") Object.assign(window, { Kapa: makeKapaQueue() });
