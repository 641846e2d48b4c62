import { createContext, useContext } from "react";
import type { Actions } from "../../live/actions";
import type { View } from "../../live/conversation";
import { useStore } from "../../live/store";
import type { Conversation } from "../../log/types";
import type { Action } from "./endings";

/** What every part of a conversation's transcript can reach. */
export type Reach = Readonly<{
  actions: Actions;
  /** What a button under an answer does. */
  act: (action: Action, turn_id: string) => void;
  editing: string | null;
  setEditing: (message_id: string | null) => void;
}>;

export const Reaching = createContext<Reach | null>(null);

export function useReach(): Reach {
  const reach = useContext(Reaching);
  if (reach === null) {
    throw new Error("This stands outside of a transcript.");
  }
  return reach;
}

/** What `select` picks of the conversation's state. */
export function useShown<S>(select: (state: Conversation) => S): S {
  const { actions } = useReach();
  return useStore(actions.live.store, (view: View) => select(view.state));
}
