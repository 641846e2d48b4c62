/** Icons: drawn with the colour and in the size of the text around them. */

import type { ReactNode } from "react";

function Glyph({ children }: { children: ReactNode }) {
  return (
    <svg viewBox="0 0 20 20" aria-hidden="true" className="glyph">
      {children}
    </svg>
  );
}

export const Send = () => (
  <Glyph>
    <path d="M10 16V4.5M5 9.5l5-5 5 5" />
  </Glyph>
);
export const Stop = () => (
  <Glyph>
    <rect x="5.5" y="5.5" width="9" height="9" rx="1.5" className="filled" />
  </Glyph>
);
export const Plus = () => (
  <Glyph>
    <path d="M10 4v12M4 10h12" />
  </Glyph>
);
export const Clip = () => (
  <Glyph>
    <path d="M13.5 6.5l-6 6a1.8 1.8 0 0 0 2.5 2.5l6-6a3.4 3.4 0 0 0-4.8-4.8l-6 6a5 5 0 0 0 7 7l4.3-4.2" />
  </Glyph>
);
export const Copy = () => (
  <Glyph>
    <rect x="7" y="7" width="9" height="9" rx="2" />
    <path d="M13 7V6a2 2 0 0 0-2-2H6a2 2 0 0 0-2 2v5a2 2 0 0 0 2 2h1" />
  </Glyph>
);
export const Check = () => (
  <Glyph>
    <path d="M4.5 10.5l3.5 3.5 7.5-8" />
  </Glyph>
);
export const Pencil = () => (
  <Glyph>
    <path d="M4 16l.8-3.3L13 4.5a1.4 1.4 0 0 1 2 0l.5.5a1.4 1.4 0 0 1 0 2l-8.2 8.2L4 16z" />
  </Glyph>
);
export const Again = () => (
  <Glyph>
    <path d="M15.5 10a5.5 5.5 0 1 1-1.6-3.9L16 8M16 4v4h-4" />
  </Glyph>
);
export const Left = () => (
  <Glyph>
    <path d="M12 5l-5 5 5 5" />
  </Glyph>
);
export const Right = () => (
  <Glyph>
    <path d="M8 5l5 5-5 5" />
  </Glyph>
);
export const Down = () => (
  <Glyph>
    <path d="M10 4v12M5 11l5 5 5-5" />
  </Glyph>
);
export const Menu = () => (
  <Glyph>
    <path d="M3.5 6h13M3.5 10h13M3.5 14h13" />
  </Glyph>
);
export const Dots = () => (
  <Glyph>
    <circle cx="4.5" cy="10" r="1.2" className="filled" />
    <circle cx="10" cy="10" r="1.2" className="filled" />
    <circle cx="15.5" cy="10" r="1.2" className="filled" />
  </Glyph>
);
export const Close = () => (
  <Glyph>
    <path d="M5 5l10 10M15 5L5 15" />
  </Glyph>
);
export const Lens = () => (
  <Glyph>
    <circle cx="9" cy="9" r="5" />
    <path d="M12.8 12.8L17 17" />
  </Glyph>
);
export const Upload = () => (
  <Glyph>
    <path d="M10 13V4M6 7.5L10 3.5l4 4M4 14v1a1.5 1.5 0 0 0 1.5 1.5h9A1.5 1.5 0 0 0 16 15v-1" />
  </Glyph>
);
