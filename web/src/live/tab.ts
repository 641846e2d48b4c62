/** Which tab this is, and what tabs that are gone have left behind in this browser's storage. */

import { newId } from "./ids";

const KEPT = "antiphon.tab";

function lockOf(name: string): string {
  return `antiphon.tab.${name}`;
}

/**
 * A name for this tab that a reload keeps. A lock is held under it for as long as the tab lives; a tab that was
 * duplicated finds it held and takes a name of its own.
 */
export async function tabName(): Promise<string> {
  const kept = readName();
  const name = kept !== null && (await hold(kept)) ? kept : newId();
  if (name !== kept) {
    await hold(name);
    keepName(name);
  }
  return name;
}

/** Which of these tabs are gone. Where that cannot be known, none. */
export async function goneTabs(names: readonly string[]): Promise<readonly string[]> {
  if (navigator.locks === undefined) {
    return [];
  }
  const { held = [] } = await navigator.locks.query();
  const alive = new Set(held.map((lock) => lock.name));
  return names.filter((name) => !alive.has(lockOf(name)));
}

function hold(name: string): Promise<boolean> {
  if (navigator.locks === undefined) {
    return Promise.resolve(true);
  }
  return new Promise((resolve) => {
    const keptForGood = new Promise<never>(() => {});
    void navigator.locks.request(lockOf(name), { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock === null ? undefined : keptForGood;
    });
  });
}

function readName(): string | null {
  try {
    return sessionStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

function keepName(name: string): void {
  try {
    sessionStorage.setItem(KEPT, name);
  } catch {
    // A reload takes a new name, and finds what the old one left.
  }
}
