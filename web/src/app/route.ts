/** Which conversation is open: the address says it, so that it can be shared between tabs and devices. */

import { Store } from "../live/store";

const PATH = /^\/c\/([0-9a-f-]{36})\/?$/;

function here(): string | null {
  return PATH.exec(location.pathname)?.[1] ?? null;
}

/** The id of the open conversation; null for one that is not begun. */
export const route = new Store<string | null>(here());

addEventListener("popstate", () => route.set(here()));

export function go(id: string | null, { replace = false } = {}): void {
  if (id === route.get()) {
    return;
  }
  const path = id === null ? "/" : `/c/${id}`;
  if (replace) {
    history.replaceState(null, "", path);
  } else {
    history.pushState(null, "", path);
  }
  route.set(id);
}
