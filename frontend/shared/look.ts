/** Gives elements the colours that an admin has chosen. A strict policy forbids style attributes, but not this. */
import { real } from "./page";

/** Sets the custom properties in an element's data-look: `name:value`, with semicolons between them. */
export function dress(element: HTMLElement): void {
  const { dataset, style } = real(element);
  for (const property of dataset.look?.split(";") ?? []) {
    style.setProperty(...(property.split(":") as [string, string]));
  }
}
