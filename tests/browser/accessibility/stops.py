"""Where the Tab key leads: each stop must be in sight and show that it has the focus.

WCAG 2.2: focus visible (2.4.7), focus not obscured (2.4.11), non-text contrast (1.4.11).
"""

from __future__ import annotations

from playwright.sync_api import Page

MOST = 150

LOOK = """() => {
    const shown = document.activeElement;
    // In a frame, its content has the focus.
    if (shown.tagName === "IFRAME") return [];
    window.stops ??= new WeakSet();
    if (stops.has(shown)) return null;
    stops.add(shown);
    // Between the last stop and the first one is the browser itself.
    if (shown === document.body) return [];

    const {x, y, width, height} = shown.getBoundingClientRect();
    const points = [[.5, .5], [.1, .5], [.9, .5], [.5, .1], [.5, .9]];
    const isInSight = points.some(([right, down]) =>
        shown.contains(document.elementFromPoint(x + width * right, y + height * down)));

    // What cannot be seen itself, such as the browser's own button for files, is shown by its label.
    const marked = [shown, shown.closest("label")].find((one) => one && getComputedStyle(one).outlineStyle !== "none");
    const pixel = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const paint = (color) => {
        pixel.fillStyle = color;
        pixel.fillRect(0, 0, 1, 1);
    };
    const luminance = () => {
        const [red, green, blue] = [...pixel.getImageData(0, 0, 1, 1).data].map((part) =>
            part / 255 <= .04045 ? part / 255 / 12.92 : ((part / 255 + .055) / 1.055) ** 2.4);
        return .2126 * red + .7152 * green + .0722 * blue;
    };
    let contrast = 0;
    if (marked) {
        const around = [];
        for (let one = marked.parentElement; one; one = one.parentElement)
            around.unshift(getComputedStyle(one).backgroundColor);
        paint(matchMedia("(prefers-color-scheme: dark)").matches ? "#121212" : "#fff");
        around.forEach(paint);
        const ground = luminance();
        paint(getComputedStyle(marked).outlineColor);
        const ring = luminance();
        contrast = (Math.max(ground, ring) + .05) / (Math.min(ground, ring) + .05);
    }
    const problems = [
        ...isInSight ? [] : ["is out of sight"],
        ...contrast >= 3 ? [] : [`shows its focus with a contrast of ${contrast.toFixed(1)}`],
    ];
    return problems.map((problem) => `${shown.outerHTML.slice(0, 200)} ${problem}`);
}"""
"""What is wrong with the stop; null: Tab has been there."""


def faults(name: str, page: Page) -> list[str]:
    """What is wrong with the stops, once around from the one that has the focus, in light and dark.

    Arguments:
        name: of the state that is shown.
    """
    found: list[str] = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.evaluate("delete window.stops")
        for _number in range(MOST):
            page.keyboard.press("Tab")
            problems = page.evaluate(LOOK)
            if problems is None:
                break
            found += [f"{name}, {scheme}: {problem}" for problem in problems]
        else:
            found.append(f"{name}: more than {MOST} stops")
    page.emulate_media(color_scheme="light")
    return found
