/** An admin who ticks one of the triggers below "Only when …" has chosen that, too. */
export function chooseByTicking({ target }: Event): void {
  if (!(target instanceof HTMLInputElement) || target.type !== "checkbox" || !target.checked) return;
  const only = target.closest(".handoff-triggers")?.querySelector<HTMLInputElement>("[data-kapa-handoff-only]");
  if (only) only.checked = true;
}
