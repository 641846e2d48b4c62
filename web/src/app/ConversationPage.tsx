import { useCallback, useEffect, useMemo, useState } from "react";
import { Composer } from "../features/composer/Composer";
import { ModelPicker } from "../features/settings/ModelPicker";
import { type Action, CONTINUE } from "../features/thread/endings";
import { Thread } from "../features/thread/Thread";
import { Totals } from "../features/usage/Totals";
import { effortIn } from "../live/server";
import { useStore, useWhole } from "../live/store";
import { isWaiting } from "../live/waiting";
import { isQuestionOf, pathTo } from "../log/tree";
import { Dots } from "../ui/icons";
import { later } from "../ui/later";
import { Menu } from "../ui/Menu";
import { Connection } from "./Connection";
import { Gone } from "./Gone";
import { Header } from "./Header";
import { aim, go } from "./route";
import { budgets, conversation, outbox } from "./session";
import type { OnNamed } from "./useDialogs";

const SettingsDialog = later(() => import("../features/settings/SettingsDialog"));

type Props = { id: string; onMenu: (() => void) | null; on: OnNamed };

/** One conversation: what was said, and where to say more. */
export function ConversationPage({ id, onMenu, on }: Props) {
  const actions = useMemo(() => conversation(id), [id]);
  const { live } = actions;
  const title = useStore(live.store, (view) => view.state.title);
  const phase = useStore(live.store, (view) => view.phase);
  const running = useStore(live.store, (view) => view.state.running !== null);
  const waiting = useStore(live.store, ({ state }) => isWaiting(state));
  const aimed = useWhole(aim);
  const [editing, setEditing] = useState<string | null>(null);
  const [settings, setSettings] = useState(false);

  useEffect(() => {
    live.open();
    budgets.look(live.id);
    return () => live.close();
  }, [live]);
  useTitle(title, waiting);
  useStopKey(running, () => actions.stop());

  const [retry, setRetry] = useState<string | null>(null);
  const act = useAct(actions, setEditing, setRetry);
  const editLast = () => {
    const last = pathTo(live.state, live.state.head).findLast((message) => isQuestionOf(live.state, message));
    setEditing(last?.id ?? null);
  };
  if (phase === "gone") {
    return <Gone id={id} onMenu={onMenu} />;
  }
  const named = { id, title };
  return (
    <>
      <Header title={title} onMenu={onMenu}>
        <Totals live={live} budgets={budgets} />
        <Menu
          label="Actions for this conversation"
          icon={<Dots />}
          items={[
            { label: "Instructions", onSelect: () => setSettings(true) },
            { label: "Rename", onSelect: () => on.rename(named) },
            { label: "Export", onSelect: () => on.download(named) },
            { label: "Delete", onSelect: () => on.remove(named), danger: true },
          ]}
        />
      </Header>
      <div className="transcript">
        <Thread
          actions={actions}
          outbox={outbox}
          editing={editing}
          setEditing={setEditing}
          act={act}
          aim={aimed}
        />
      </div>
      <Connection live={live} />
      <Composer
        place={id}
        running={running}
        held={phase === "ready" ? null : "The conversation is still being read"}
        onSend={(content) => actions.send(content)}
        onStop={() => actions.stop()}
        onEditLast={editLast}
      >
        <Picker actions={actions} retry={retry} onRetried={() => setRetry(null)} />
      </Composer>
      {settings && <SettingsDialog actions={actions} onClose={() => setSettings(false)} />}
    </>
  );
}

type PickerProps = { actions: ReturnType<typeof conversation>; retry: string | null; onRetried: () => void };

/** Choosing another model for a turn that had no answer asks it at once. */
function Picker({ actions, retry, onRetried }: PickerProps) {
  const model = useStore(actions.live.store, (view) => view.state.model);
  const effort = useStore(actions.live.store, (view) => effortIn(view.state.options));
  const choose = async (chosen: string) => {
    if ((await actions.setModel(chosen)) && retry !== null) {
      actions.again(retry);
      onRetried();
    }
  };
  return (
    <ModelPicker
      model={model}
      effort={effort}
      onModel={(chosen) => void choose(chosen)}
      onEffort={(chosen) => void actions.setEffort(chosen)}
    />
  );
}

/** What a button under an answer does. */
function useAct(
  actions: ReturnType<typeof conversation>,
  setEditing: (id: string | null) => void,
  setRetry: (turn_id: string) => void,
) {
  return useCallback(
    (action: Action, turn_id: string) => {
      switch (action) {
        case "continue":
          actions.send([{ type: "text", text: CONTINUE }]);
          return;
        case "again":
        case "summary":
          actions.again(turn_id);
          return;
        case "edit":
          setEditing(actions.questionOf(turn_id)?.id ?? null);
          return;
        case "model":
          setRetry(turn_id);
          openModels();
          return;
        case "new":
          go(null);
      }
    },
    [actions, setEditing, setRetry],
  );
}

function openModels(): void {
  const select = document.querySelector<HTMLSelectElement>("select[aria-label=Model]");
  select?.focus();
  try {
    select?.showPicker();
  } catch {
    // It has the focus: a key opens it.
  }
}

/** The tab says where the person is, and whether they are asked for something. */
function useTitle(title: string, waiting: boolean): void {
  useEffect(() => {
    document.title = [waiting ? "Approval needed" : "", title, "Antiphon"].filter(Boolean).join(" · ");
  }, [title, waiting]);
}

/** Escape stops the answer, unless something is open that it closes. */
function useStopKey(running: boolean, stop: () => void): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      // Of other keys there are many, and the whole page is looked through for what is open.
      const isOurs = event.key === "Escape" && !event.defaultPrevented;
      if (isOurs && document.querySelector("dialog[open], [popover]:popover-open") === null) {
        stop();
      }
    };
    if (running) {
      addEventListener("keydown", pressed);
    }
    return () => removeEventListener("keydown", pressed);
  }, [running, stop]);
}
