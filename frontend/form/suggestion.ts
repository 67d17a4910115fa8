/** Asks "Did you mean gmail.com?" when the address has one slip in the domain of a large mail provider. */
import type { Part } from "../handoff/draft";
import { find } from "../shared/page";

/** Where most people have their address. Shorter names are left out, since they differ by one letter from too many. */
const KNOWN = (
  "gmail.com googlemail.com outlook.com hotmail.com yahoo.com icloud.com rocketmail.com protonmail.com fastmail.com " +
  "comcast.net verizon.net btinternet.com hotmail.co.uk yahoo.co.uk " +
  "hotmail.fr outlook.fr yahoo.fr orange.fr wanadoo.fr laposte.net hotmail.de yahoo.de t-online.de freenet.de " +
  "hotmail.es yahoo.es hotmail.it libero.it virgilio.it yahoo.it ziggo.nl telenet.be bluewin.ch seznam.cz interia.pl " +
  "yandex.ru rambler.ru hotmail.com.br yahoo.com.br yahoo.com.mx yahoo.co.in yahoo.co.jp docomo.ne.jp ezweb.ne.jp " +
  "naver.com hanmail.net foxmail.com"
).split(" ");

/** Others that exist, one slip away from these. */
const OTHERS = "mail.com email.com ymail.com cloud.com".split(" ");

const PAUSE_MILLISECONDS = 600;

/** The known domain that this one probably is; undefined: it is right, or nobody can tell. */
export function domainMeant(typed: string): string | undefined {
  if (KNOWN.includes(typed) || OTHERS.includes(typed)) return undefined;
  // The provider of another country is no slip.
  return KNOWN.find((known) => (known.slice(-3, -2) !== "." || typed.endsWith(known.slice(-3))) && isOneSlip(typed, known));
}

/** Whether two different texts differ by a letter that is missing, added, wrong, or swapped with the next. */
function isOneSlip(one: string, other: string): boolean {
  while (one && one[0] === other[0]) [one, other] = [one.slice(1), other.slice(1)];
  while (one && one.slice(-1) === other.slice(-1)) [one, other] = [one.slice(0, -1), other.slice(0, -1)];
  const rest = Math.max(one.length, other.length);
  return rest < 2 || (rest === 2 && one === [...other].reverse().join(""));
}

export const suggestDomain: Part = ({ dialog }) => {
  const button = find<HTMLButtonElement>(dialog, "[data-kapa-handoff-suggestion]");
  const input = find<HTMLInputElement>(dialog, "[name=email]");
  if (!button || !input) return;
  let timer = 0;
  const check = () => {
    clearTimeout(timer);
    const [, local, typed] = /^(.+@)([^@]+)$/.exec(input.value.trim().toLowerCase()) ?? [];
    const meant = typed && domainMeant(typed);
    button.hidden = !meant;
    if (!meant) return;
    button.textContent = button.dataset.kapaHandoffSuggestion!.replace("{}", meant);
    button.onclick = () => {
      input.value = input.value.trim().slice(0, local!.length) + meant;
      input.dispatchEvent(new Event("input", { bubbles: true }));
      check();
      input.focus();
    };
  };
  input.addEventListener("input", () => {
    clearTimeout(timer);
    // What is suggested is about another text now.
    if (!button.hidden) check();
    else timer = setTimeout(check, PAUSE_MILLISECONDS);
  });
  input.addEventListener("change", check);
  check();
};
