/** What lives as long as the page: the outbox, the list, and the conversations that were opened. */

import { Actions } from "../live/actions";
import { Budgets } from "../live/budgets";
import { LiveConversation } from "../live/conversation";
import { ConversationList } from "../live/list";
import { Outbox } from "../live/outbox";
import { onReturn } from "../live/patience";
import { Search } from "../live/search";
import { isWaiting, Waiting } from "../live/waiting";
import { keepBegun } from "./begun";
import { go, route } from "./route";

/** Conversations that are kept in memory, so that going back to one shows it at once. */
const KEPT = 5;

export const outbox = new Outbox();
export const list = new ConversationList();
export const search = new Search();
export const budgets = new Budgets();
export const waiting = new Waiting(list, (id) => id === route.get());

const opened = new Map<string, Actions>();

/** The conversation of that id, as it was left if it was open before. */
export function conversation(id: string): Actions {
  const known = opened.get(id) ?? new Actions(outbox, watched(id));
  opened.delete(id);
  opened.set(id, known);
  for (const [oldest, actions] of opened) {
    if (opened.size <= KEPT) {
      break;
    }
    actions.live.close();
    opened.delete(oldest);
  }
  return known;
}

export function forget(id: string): void {
  opened.get(id)?.live.close();
  opened.delete(id);
  outbox.forget(id);
  list.drop(id);
}

function watched(id: string): LiveConversation {
  const live = new LiveConversation(id);
  live.onNotice = (notice) => {
    if (notice.type === "conversation") {
      list.hear(notice);
    } else {
      budgets.hear(notice);
    }
  };
  let { running, title } = live.state;
  live.store.subscribe(() => {
    const { state, phase } = live.store.get();
    if (phase === "ready") {
      waiting.tell(id, isWaiting(state));
      outbox.shown(id, state.seq);
    }
    if (state.running !== running || state.title !== title) {
      ({ running, title } = state);
      list.rename(id, title);
      budgets.refresh();
      list.refresh();
    }
  });
  return live;
}

export function start(): void {
  const id = route.get();
  if (id !== null) {
    conversation(id).live.open(); // before anything is drawn: reading it takes longest
  }
  outbox.onCreated = (entry, header) => {
    keepBegun(entry.id, header.id);
    list.put(header);
    conversation(header.id).live.isNew = true;
    if (route.get() === null) {
      go(header.id, { replace: true });
    }
  };
  void outbox.start();
  void list.load();
  onReturn(list.refresh);
}
