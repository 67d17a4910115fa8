/** Selects tickets of the list: all of a page at once, and says how many. */
import { find, findAll } from "../shared/page";

/** Ticks what the box for all is for; it is ticked itself while all are. */
export function tickAll({ target }: Event): void {
  if (!(target instanceof HTMLInputElement)) return;
  const form = target.form;
  const all = form?.querySelector<HTMLInputElement>("[data-kapa-handoff-all]");
  if (!form || !all || (target !== all && target.name !== "ticket")) return;
  const boxes = [...form.querySelectorAll<HTMLInputElement>("[name=ticket]")];
  if (target === all) for (const box of boxes) box.checked = all.checked;
  else all.checked = boxes.every((box) => box.checked);
  showSelected();
}

/** Says how many tickets are ticked, also when the browser has brought the ticks back. */
export function showSelected(): void {
  for (const told of findAll(document, "[data-kapa-handoff-selected]")) {
    const number = told.closest("form")?.querySelectorAll("[name=ticket]:checked").length ?? 0;
    told.hidden = number === 0;
    const place = find(told, "span");
    if (place) place.textContent = number.toLocaleString(told.closest<HTMLElement>("[lang]")?.lang);
  }
}
