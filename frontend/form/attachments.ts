/**
 * The form's files: chosen, dropped or pasted, they are uploaded at once, and the server answers with the part of the
 * form that lists them.
 */
import type { Part, ShownDraft } from "../handoff/draft";
import { nameOf, say } from "../handoff/fields";
import { logFailure } from "../shared/log";
import { doc, find, findAll } from "../shared/page";

type Load = Parameters<Part>[1];

/** Longer than other requests take: on a slow line, 3 MB take minutes. */
const LIMIT_MILLISECONDS = 120_000;

const FILES = "[data-kapa-handoff-files]";

/** By the file's id, since the list is replaced after each change. */
const previews: Record<string, HTMLElement> = {};

export const showFiles: Part = (draft, load) => setUp(draft, load);

/**
 * Sets up the part of the form that lists the files, each time that the server has sent it.
 *
 * @param sent - the files that were just sent, of which the images are shown
 */
function setUp(draft: ShownDraft, load: Load, sent: File[] = []): void {
  const { dialog } = draft;
  const block = find(dialog, FILES);
  if (!block) return;
  for (const item of findAll(block, "[data-image]")) {
    const { image = "", added } = item.dataset;
    const file = sent[Number(added)];
    if (file) {
      const preview = (previews[image] = doc.createElement("canvas"));
      // Not an <img>, for which a site's policy would have to allow blob: addresses.
      createImageBitmap(file, { resizeHeight: 96 }).then(
        (bitmap) => preview.getContext("bitmaprenderer")?.transferFromImageBitmap(bitmap),
        () => preview.remove(),
      );
    }
    item.prepend(previews[image] ?? "");
  }
  /** Uploads one after another, since each response lists all files. */
  const add = (files: Iterable<File> | null | undefined) => {
    if (!files) return;
    const added = [...files];
    draft.uploading = Promise.resolve(draft.uploading).then(() => update(draft, load, added));
  };
  block.onchange = ({ target }) => add((target as HTMLInputElement).files);
  block.onclick = ({ target }) => {
    const file = (target as Element).closest("[data-kapa-handoff-remove]")?.parentElement;
    file?.remove();
    if (file) add([]);
  };
  dialog.onpaste =
    dialog.ondrop =
    dialog.ondragover =
      (event: DragEvent | ClipboardEvent) => {
        const data = "dataTransfer" in event ? event.dataTransfer : event.clipboardData;
        // A text that is copied from a document brings its picture along.
        if (!data?.types.includes("Files") || (event.type === "paste" && data.getData("text"))) return;
        // Else the browser would leave the page for the file.
        event.preventDefault();
        if (data.files.length) add(data.files);
      };
}

/** Tells the server which files the form has; resolves to whether a form that is being sent can go on. */
async function update(draft: ShownDraft, load: Load, added: File[]): Promise<boolean> {
  const { dialog } = draft;
  const body = new FormData();
  for (const { name, value } of findAll<HTMLInputElement>(dialog, "[name=offer],[name=attachments]")) {
    body.append(name, value);
  }
  for (const file of added) body.append("files", file);
  say(dialog, "alert", "");
  say(dialog, "status", "sending");
  let reply: HTMLElement | null | undefined;
  const controller = new AbortController();
  setTimeout(() => controller.abort("timeout"), LIMIT_MILLISECONDS);
  try {
    reply = await load("attachments", FILES, { method: "POST", body, signal: controller.signal });
  } catch (reason) {
    logFailure(reason);
    say(dialog, "alert", nameOf(reason, dialog));
  }
  say(dialog, "status", "");
  if (reply) {
    find(dialog, FILES)?.replaceWith(reply);
    setUp(draft, load, added);
    find(reply, "input[type=file],button")?.focus();
  }
  return !draft.isSending || (!!reply && !find(reply, "[role=alert]"));
}
