/** Counts the characters of a text that comes near its limit. */
import type { ShownDraft } from "../handoff/draft";
import { inputsOf } from "../handoff/fields";
import { find, real } from "../shared/page";

export function countCharacters({ dialog }: ShownDraft): void {
  for (const input of inputsOf(dialog)) {
    count(dialog, input);
    input.addEventListener("input", () => count(dialog, input));
  }
}

/** Shows the length of a field's text from 90 % of its limit. */
function count(dialog: HTMLElement, input: HTMLInputElement): void {
  const shown = find(dialog, `[id="${real(input).id}-count"]`);
  if (!shown) return;
  // As Python counts: an emoji is one character.
  const length = [...input.value.trim()].length;
  const { limit, pattern } = shown.dataset;
  shown.textContent = length < 0.9 * +limit! ? "" : pattern!.replace("{}", length.toLocaleString(dialog.lang || undefined));
  shown.classList.toggle("kapa-handoff-over", length > +limit!);
}
