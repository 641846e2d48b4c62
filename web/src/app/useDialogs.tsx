import { type ReactNode, useMemo, useState } from "react";
import type * as api from "../api/conversations";
import { download } from "../live/actions";
import { later } from "../ui/later";

const NamedDialog = later(() => import("./NamedDialog"));

export type Named = Pick<api.Header, "id" | "title">;

export type OnNamed = {
  rename: (header: Named) => void;
  download: (header: Named) => void;
  remove: (header: Named) => void;
};

export type Shown = { kind: "rename" | "remove"; header: Named };

/** Renaming and deleting, from wherever a conversation is named. */
export function useDialogs(): { on: OnNamed; shown: ReactNode } {
  const [shown, setShown] = useState<Shown | null>(null);
  const on = useMemo<OnNamed>(
    () => ({
      rename: (header) => setShown({ kind: "rename", header }),
      remove: (header) => setShown({ kind: "remove", header }),
      download: (header) => void download(header.id),
    }),
    [],
  );
  return { on, shown: shown && <NamedDialog {...shown} onClose={() => setShown(null)} /> };
}
