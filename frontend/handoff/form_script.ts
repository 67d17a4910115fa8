/** Loads form.js, which has the further parts of the form, when the first form is opened. */
import { doc } from "../shared/page";
import { server } from "./server";

let loading: Promise<void> | undefined;

/** Resolves when the script has run, or cannot be loaded in time: the form works without it, with less comfort. */
export function loadFormScript(): Promise<void> {
  return (loading ??= new Promise((resolve) => {
    const script = doc.createElement("script");
    const onerror = (): void => {
      loading = undefined; // the next form tries again: the visitor may have been offline
      resolve();
    };
    // A strict policy knows the page's own scripts by their nonce.
    Object.assign(script, server.formScript, { onload: resolve, onerror });
    setTimeout(resolve, 3000);
    doc.head.append(script);
  }));
}
