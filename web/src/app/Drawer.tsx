import { type ReactNode, useEffect, useRef } from "react";

type Props = { open: boolean; onClose: () => void; children: ReactNode };

/** The list of conversations where there is no room beside the open one. */
export function Drawer({ open, onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const node = dialog.current;
    if (open) {
      node?.showModal();
    } else {
      node?.close();
    }
  }, [open]);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the browser closes it on Escape
    <dialog
      ref={dialog}
      className="drawer"
      aria-label="Conversations"
      onClose={onClose}
      onClick={(event) => event.target === dialog.current && onClose()}
    >
      <div className="sidebar">{children}</div>
    </dialog>
  );
}
