import type { ReactNode } from "react";
import { Menu as MenuIcon } from "../ui/icons";

type Props = { title: string; onMenu: (() => void) | null; children?: ReactNode };

export function Header({ title, onMenu, children }: Props) {
  return (
    <header className="top">
      {onMenu !== null && (
        <button type="button" className="icon" aria-label="Conversations" onClick={onMenu}>
          <MenuIcon />
        </button>
      )}
      <h1>{title}</h1>
      {children}
    </header>
  );
}
