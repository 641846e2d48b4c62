import { type ReactNode, useRef } from "react";
import type { Header } from "../../api/conversations";
import { upload } from "../../live/actions";
import type { ConversationList } from "../../live/list";
import { tried } from "../../live/notices";
import { type Outbox, unsentIn } from "../../live/outbox";
import type { Search } from "../../live/search";
import { useStore, useWhole } from "../../live/store";
import type { Waiting } from "../../live/waiting";
import { Dots, Plus, Upload } from "../../ui/icons";
import { later } from "../../ui/later";
import { Menu } from "../../ui/Menu";
import { byAge } from "./ages";
import { follow } from "./links";
import { moveByKey, SearchBox } from "./SearchBox";

const Results = later(() => import("./Results"));

export type OnConversation = {
  open: (id: string | null, message_id?: string) => void;
  rename: (header: Header) => void;
  download: (header: Header) => void;
  remove: (header: Header) => void;
};

type Props = {
  list: ConversationList;
  search: Search;
  outbox: Outbox;
  waiting: Waiting;
  current: string | null;
  on: OnConversation;
  foot: ReactNode;
};

/** All conversations, and the way to a new one. */
export function Sidebar({ list, search, outbox, waiting, current, on, foot }: Props) {
  const { conversations } = useWhole(list.store);
  const searching = useStore(search.store, (found) => found.query !== "");
  const picker = useRef<HTMLInputElement>(null);
  const unsent = useStore(outbox.store, unsentIn);
  // One that nobody has said anything in was made for a message that did not arrive.
  const shown = conversations.filter(
    (header) => header.as_of_seq > 1 || header.id === current || unsent.includes(header.id),
  );
  const take = async (file: File | undefined) => {
    const header = file === undefined ? null : await upload(file);
    if (header !== null) {
      list.put(header);
      on.open(header.id);
    }
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: what has the focus within it can be reached by keyboard
    <div className="sidebar-body" onKeyDown={(event) => moveByKey(event, search)}>
      <div className="sidebar-top">
        <a className="wordmark" href="/" onClick={(event) => follow(event, () => on.open(null))}>
          Antiphon
        </a>
        <a className="new" href="/" onClick={(event) => follow(event, () => on.open(null))}>
          <Plus /> New conversation
        </a>
        <SearchBox search={search} />
      </div>
      <nav aria-label="Conversations">
        {searching ? (
          <Results search={search} listed={shown} open={on.open} />
        ) : (
          <Listed list={list} shown={shown} unsent={unsent} waiting={waiting} current={current} on={on} />
        )}
      </nav>
      <div className="sidebar-foot">
        {foot}
        <input
          ref={picker}
          type="file"
          accept="application/json,.json"
          hidden
          onChange={(event) => {
            void take(event.currentTarget.files?.[0]);
            event.currentTarget.value = "";
          }}
        />
        <button
          type="button"
          className="icon"
          aria-label="Import a conversation"
          title="Import a conversation"
          onClick={() => picker.current?.click()}
        >
          <Upload />
        </button>
      </div>
    </div>
  );
}

type ListedProps = {
  list: ConversationList;
  shown: readonly Header[];
  unsent: string;
  waiting: Waiting;
  current: string | null;
  on: OnConversation;
};

/** All of them, by how long ago they changed. */
function Listed({ list, shown, unsent, waiting, current, on }: ListedProps) {
  const { phase, cursor } = useWhole(list.store);
  const waits = useWhole(waiting.store);
  return (
    <>
      {phase === "ready" && shown.length === 0 && (
        <p className="faint">What you talk about will be listed here.</p>
      )}
      {phase === "failed" && (
        <p className="faint">
          The list cannot be read.{" "}
          <button type="button" className="quiet" onClick={list.refresh}>
            Try again
          </button>
        </p>
      )}
      {byAge(shown, Date.now()).map((age) => (
        <section key={age.name} aria-label={age.name}>
          <h2>{age.name}</h2>
          <ul>
            {age.headers.map((header) => (
              <Item
                key={header.id}
                header={header}
                unsent={unsent.includes(header.id)}
                waits={waits.includes(header.id)}
                current={header.id === current}
                on={on}
              />
            ))}
          </ul>
        </section>
      ))}
      {cursor !== null && (
        <button type="button" className="quiet more" onClick={() => void tried(list.more())}>
          Show more
        </button>
      )}
    </>
  );
}

type ItemProps = {
  header: Header;
  unsent: boolean;
  waits: boolean;
  current: boolean;
  on: OnConversation;
};

function Item({ header, unsent, waits, current, on }: ItemProps) {
  const items = [
    { label: "Rename", onSelect: () => on.rename(header) },
    { label: "Export", onSelect: () => on.download(header) },
    { label: "Delete", onSelect: () => on.remove(header), danger: true },
  ];
  const title = header.title || "Untitled";
  return (
    <li className={current ? "item current" : "item"}>
      <a
        href={`/c/${header.id}`}
        aria-current={current ? "page" : undefined}
        onClick={(event) => follow(event, () => on.open(header.id))}
      >
        <span className="name">{title}</span>
        {waits && <Mark sign="?" says="waits for your decision" />}
        {header.running !== null && !waits && (
          <span className="pulse" role="img" aria-label="an answer is being written" />
        )}
        {unsent && <Mark sign="!" says="has a message that is not sent yet" />}
      </a>
      <Menu label={`Actions for ${title}`} icon={<Dots />} items={items} />
    </li>
  );
}

/** Something here waits for the person. */
function Mark({ sign, says }: { sign: "?" | "!"; says: string }) {
  return (
    <span className="mark late" role="img" aria-label={says} title={says}>
      {sign}
    </span>
  );
}
