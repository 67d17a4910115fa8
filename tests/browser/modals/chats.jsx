// A chat in each kind of modal, as its documentation shows it. A chat that is closed leaves the page, or is hidden.
import * as Radix from "@radix-ui/react-dialog";
import { Dialog as HeadlessDialog, DialogPanel } from "@headlessui/react";
import { MantineProvider, Modal as MantineModal } from "@mantine/core";
import { Dialog as MuiDialog } from "@mui/material";
import { Modal as BootstrapModal } from "bootstrap";
import { createFocusTrap } from "focus-trap";
import { useState } from "react";
import { Dialog as AriaDialog, Modal as AriaModal } from "react-aria-components";
import { flushSync } from "react-dom";
import { createRoot } from "react-dom/client";

const parameters = new URLSearchParams(location.search);
const kind = parameters.get("chat");
const hasSlot = !parameters.has("floating");

const Chat = () => (
  <section aria-label="Chat">
    <p>Answer</p>
    {hasSlot && <div data-kapa-handoff-slot="" />}
    <input aria-label="Ask" />
  </section>
);

const CHAT = `<section aria-label="Chat"><p>Answer</p>${hasSlot ? "<div data-kapa-handoff-slot></div>" : ""}
  <input aria-label="Ask"></section>`;

const inReact = {
  radix: ({ isOpen, close }) => (
    <Radix.Root open={isOpen} onOpenChange={close}>
      <Radix.Portal>
        <Radix.Overlay style={{ position: "fixed", inset: 0 }} />
        <Radix.Content aria-describedby={undefined} style={{ position: "fixed", top: 0 }}>
          <Radix.Title>Assistant</Radix.Title>
          <Chat />
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  ),
  mantine: ({ isOpen, close }) => (
    <MantineProvider>
      <MantineModal opened={isOpen} onClose={close} title="Assistant">
        <Chat />
      </MantineModal>
    </MantineProvider>
  ),
  mui: ({ isOpen, close }) => (
    <MuiDialog open={isOpen} onClose={close}>
      <Chat />
    </MuiDialog>
  ),
  headless: ({ isOpen, close }) => (
    <HeadlessDialog open={isOpen} onClose={close}>
      <DialogPanel>
        <Chat />
      </DialogPanel>
    </HeadlessDialog>
  ),
  aria: ({ isOpen, close }) => (
    <AriaModal isOpen={isOpen} onOpenChange={close} isDismissable>
      <AriaDialog aria-label="Assistant">
        <Chat />
      </AriaDialog>
    </AriaModal>
  ),
};

function add(html, parent = document.body) {
  parent.append(document.createRange().createContextualFragment(html));
  return parent.lastElementChild;
}

const inMarkup = {
  native() {
    const dialog = add(`<dialog closedby="any">${CHAT}</dialog>`);
    dialog.showModal();
  },
  popover() {
    add(`<div popover>${CHAT}</div>`).showPopover();
  },
  bootstrap() {
    const modal = add(`<div class="modal" tabindex="-1"><div class="modal-dialog"><div class="modal-content">
      <div class="modal-body">${CHAT}</div></div></div></div>`);
    const bootstrap = new BootstrapModal(modal);
    bootstrap.show();
    Object.assign(window, { hideChat: () => bootstrap.hide(), showChat: () => bootstrap.show() });
  },
  // No role, no aria-modal: nothing shows that the element is a modal.
  "focus-trap"() {
    const drawer = add(`<div>${CHAT}</div>`);
    createFocusTrap(drawer, { onDeactivate: () => drawer.remove() }).activate();
  },
  drawer() {
    add("<main><p>Page</p></main>");
    for (const other of document.body.children) other.inert = true;
    const drawer = add(`<div>${CHAT}</div>`);
    const close = () => drawer.remove();
    drawer.addEventListener("focusout", ({ relatedTarget: next }) => next && !drawer.contains(next) && close());
    for (const type of ["mousedown", "touchstart", "click"]) {
      document.addEventListener(type, ({ target }) => drawer.contains(target) || close());
    }
    document.addEventListener("keydown", ({ key }) => key === "Escape" && close());
  },
  shadow() {
    const root = add("<div></div>").attachShadow({ mode: "open" });
    const inner = add("<div></div>", root).attachShadow({ mode: "open" });
    const dialog = add(`<dialog>${CHAT}</dialog>`, inner);
    dialog.showModal();
  },
};

function App({ Modal }) {
  const [isOpen, setOpen] = useState(true);
  return <Modal isOpen={isOpen} close={() => setOpen(false)} />;
}

// At once: its listeners are on the document before those of the scripts that follow.
if (kind in inReact) {
  const root = createRoot(add("<div></div>"));
  flushSync(() => root.render(<App Modal={inReact[kind]} />));
} else {
  inMarkup[kind]();
}
