/** What this browser keeps: JSON under a key. Storage that is full or forbidden keeps nothing and says nothing. */

const PREFIX = "antiphon.";

export function read<T>(key: string, otherwise: T): T {
  try {
    const text = localStorage.getItem(PREFIX + key);
    return text === null ? otherwise : (JSON.parse(text) as T);
  } catch {
    return otherwise;
  }
}

/** Undefined forgets it. */
export function keep(key: string, value: unknown): void {
  try {
    if (value === undefined) {
      localStorage.removeItem(PREFIX + key);
    } else {
      localStorage.setItem(PREFIX + key, JSON.stringify(value));
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
