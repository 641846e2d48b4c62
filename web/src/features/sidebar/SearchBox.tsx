import type { Search } from "../../live/search";
import { useStore } from "../../live/store";
import { Close, Lens } from "../../ui/icons";

type Props = { search: Search };

/** Where words are typed that are to be found. */
export function SearchBox({ search }: Props) {
  const query = useStore(search.store, (found) => found.query);
  return (
    <search className="search">
      <Lens />
      <input
        type="search"
        aria-label="Search all messages"
        aria-keyshortcuts="Control+K Meta+K"
        title="Search all messages (Ctrl+K)"
        placeholder="Search"
        maxLength={500}
        autoComplete="off"
        value={query}
        onChange={(event) => search.ask(event.currentTarget.value)}
      />
      {query !== "" && (
        <button type="button" className="icon" aria-label="Clear the search" onClick={() => search.ask("")}>
          <Close />
        </button>
      )}
    </search>
  );
}

/** Arrows go through what was found, Enter opens it, Escape goes back to the list. */
export function moveByKey(event: React.KeyboardEvent<HTMLElement>, search: Search): void {
  const stops = [...event.currentTarget.querySelectorAll<HTMLElement>("input[type=search], .hit")];
  const at = stops.indexOf(event.target as HTMLElement);
  if (at < 0 || search.store.get().query === "") {
    return;
  }
  if (event.key === "Escape") {
    search.ask("");
    stops[0]?.focus();
  } else if (event.key === "Enter" && at === 0) {
    stops[1]?.click();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    stops[at + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
  } else {
    return;
  }
  event.preventDefault();
}
