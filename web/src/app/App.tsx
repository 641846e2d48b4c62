import { useEffect, useState } from "react";
import { flushSync } from "react-dom";
import { ThemePicker } from "../features/settings/ThemePicker";
import { Sidebar } from "../features/sidebar/Sidebar";
import { useWhole } from "../live/store";
import { useMedia } from "../ui/useMedia";
import { ConversationPage } from "./ConversationPage";
import { Drawer } from "./Drawer";
import { NewPage } from "./NewPage";
import { Notices } from "./Notices";
import { go, route } from "./route";
import { list, outbox, search, waiting } from "./session";
import { useDialogs } from "./useDialogs";

const NARROW = "(max-width: 800px)";

/** The page: the list of conversations beside the one that is open. */
export function App() {
  const id = useWhole(route);
  const narrow = useMedia(NARROW);
  const [drawer, setDrawer] = useState(false);
  const dialogs = useDialogs();
  // biome-ignore lint/correctness/useExhaustiveDependencies: whoever has chosen wants to see what was chosen
  useEffect(() => setDrawer(false), [id, narrow]);

  const open = (chosen: string | null, message_id?: string) => {
    setDrawer(false);
    go(chosen, { message_id });
  };
  useSearchKey(() => setDrawer(narrow));
  const on = { ...dialogs.on, open };
  const sidebar = (
    <Sidebar
      list={list}
      search={search}
      outbox={outbox}
      waiting={waiting}
      current={id}
      on={on}
      foot={<ThemePicker />}
    />
  );
  const menu = narrow ? () => setDrawer(true) : null;
  return (
    <div className="app">
      <a className="skip" href="#main">
        Skip to the conversation
      </a>
      {narrow ? (
        <Drawer open={drawer} onClose={() => setDrawer(false)}>
          {sidebar}
        </Drawer>
      ) : (
        <aside className="sidebar">{sidebar}</aside>
      )}
      <main id="main">
        {id === null ? (
          <NewPage onMenu={menu} />
        ) : (
          <ConversationPage key={id} id={id} onMenu={menu} on={dialogs.on} />
        )}
      </main>
      {dialogs.shown}
      <Notices />
    </div>
  );
}

/** Ctrl+K, or what stands for it on this machine, goes to the search; `show` makes room for it. */
function useSearchKey(show: () => void): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key === "k") {
        event.preventDefault();
        flushSync(show); // what is typed next belongs to the search
        document.querySelector<HTMLElement>("input[type=search]")?.focus();
      }
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  });
}
