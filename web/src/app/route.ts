/** Which conversation is open: the address says it, so that it can be shared between tabs and devices. */

import { Store } from "../live/store";
import { begunHere } from "./begun";

const PATH = /^\/c\/([0-9a-f-]{36})\/?$/;
const HASH = /^#([0-9a-f-]{36})$/;

/** A message that the reader wants to be brought to; another object each time they ask for it. */
export type Aim = Readonly<{ message_id: string }>;

function here(): string | null {
  const named = PATH.exec(location.pathname)?.[1] ?? null;
  const begun = named === null ? begunHere() : null;
  if (begun !== null) {
    history.replaceState(null, "", `/c/${begun}`);
  }
  return named ?? begun;
}

function aimed(): Aim | null {
  const message_id = HASH.exec(location.hash)?.[1];
  return message_id === undefined ? null : { message_id };
}

/** The id of the open conversation; null for one that is not begun. */
export const route = new Store<string | null>(here());
export const aim = new Store<Aim | null>(aimed());

addEventListener("popstate", () => {
  aim.set(aimed());
  route.set(here());
});

type How = { replace?: boolean; message_id?: string | undefined };

export function go(id: string | null, { replace = false, message_id }: How = {}): void {
  if (id === route.get() && message_id === undefined) {
    return;
  }
  const path = id === null ? "/" : `/c/${id}`;
  const address = message_id === undefined ? path : `${path}#${message_id}`;
  if (replace) {
    history.replaceState(null, "", address);
  } else {
    history.pushState(null, "", address);
  }
  aim.set(message_id === undefined ? null : { message_id });
  route.set(id);
}
