import { type ReactNode, useId } from "react";

export type MenuItem = { label: string; onSelect: () => void; danger?: boolean };

/** A button that opens a list of actions. The browser's popover closes it on Escape and on a click elsewhere. */
export function Menu({ label, icon, items }: { label: string; icon: ReactNode; items: readonly MenuItem[] }) {
  const id = useId();
  const open = (button: HTMLElement) => {
    const list = document.getElementById(id);
    list?.togglePopover();
    place(list, button.getBoundingClientRect());
  };
  const select = (item: MenuItem) => {
    document.getElementById(id)?.hidePopover();
    item.onSelect();
  };
  return (
    <>
      <button
        type="button"
        className="icon"
        aria-label={label}
        aria-haspopup="true"
        title={label}
        onClick={(event) => open(event.currentTarget)}
      >
        {icon}
      </button>
      <div id={id} popover="auto" className="menu">
        {items.map((item) => (
          <button
            key={item.label}
            type="button"
            className={item.danger ? "danger" : ""}
            onClick={() => select(item)}
          >
            {item.label}
          </button>
        ))}
      </div>
    </>
  );
}

/** Below its button, within the window. */
function place(list: HTMLElement | null, at: DOMRect): void {
  if (list !== null) {
    const { width, height } = list.getBoundingClientRect();
    const below = at.bottom + 4;
    const top = below + height > innerHeight ? at.top - height - 4 : below;
    list.style.top = `${Math.max(8, top)}px`;
    list.style.left = `${Math.max(8, Math.min(at.right - width, innerWidth - width - 8))}px`;
  }
}
