/** What this browser keeps: JSON under a key. Storage that is full or forbidden keeps nothing and says nothing. */

const PREFIX = "antiphon.";

/** `localStorage` is the browser's, `sessionStorage` the tab's. */
export type Where = "localStorage" | "sessionStorage";

export function read<T>(key: string, otherwise: T, where: Where = "localStorage"): T {
  try {
    const text = window[where].getItem(PREFIX + key);
    return text === null ? otherwise : (JSON.parse(text) as T);
  } catch {
    return otherwise;
  }
}

/** Undefined forgets it. */
export function keep(key: string, value: unknown, where: Where = "localStorage"): void {
  try {
    if (value === undefined) {
      window[where].removeItem(PREFIX + key);
    } else {
      window[where].setItem(PREFIX + key, JSON.stringify(value));
    }
  } catch {
    // The page works without it; a reload forgets what was to be kept.
  }
}

/** What comes after `under` in the keys that begin with it. */
export function keysUnder(under: string): string[] {
  try {
    return Object.keys(localStorage)
      .filter((key) => key.startsWith(PREFIX + under))
      .map((key) => key.slice(PREFIX.length + under.length));
  } catch {
    return [];
  }
}
