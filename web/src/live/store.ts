/** A value that can be watched. What it holds is replaced, never changed in place. */

import { useCallback, useSyncExternalStore } from "react";

export class Store<T> {
  private value: T;
  private readonly listeners = new Set<() => void>();

  constructor(value: T) {
    this.value = value;
  }

  readonly get = (): T => this.value;

  set(value: T): void {
    if (!Object.is(value, this.value)) {
      this.value = value;
      for (const listener of [...this.listeners]) {
        listener();
      }
    }
  }

  update(changes: Partial<T>): void {
    this.set({ ...this.value, ...changes });
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
}

/** What `select` picks; the component is drawn again when that is another value. */
export function useStore<T, S>(store: Store<T>, select: (value: T) => S): S {
  const pick = useCallback(() => select(store.get()), [store, select]);
  return useSyncExternalStore(store.subscribe, pick);
}

export function useWhole<T>(store: Store<T>): T {
  return useSyncExternalStore(store.subscribe, store.get);
}
