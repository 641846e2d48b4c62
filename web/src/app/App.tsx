import { useEffect, useState } from "react";
import { ThemePicker } from "../features/settings/ThemePicker";
import { Sidebar } from "../features/sidebar/Sidebar";
import { useWhole } from "../live/store";
import { useMedia } from "../ui/useMedia";
import { ConversationPage } from "./ConversationPage";
import { Drawer } from "./Drawer";
import { NewPage } from "./NewPage";
import { Notices } from "./Notices";
import { go, route } from "./route";
import { list } from "./session";
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

  const open = (chosen: string | null) => {
    setDrawer(false);
    go(chosen);
  };
  const sidebar = <Sidebar list={list} current={id} on={{ ...dialogs.on, open }} foot={<ThemePicker />} />;
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
