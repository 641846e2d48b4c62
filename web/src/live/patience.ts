/** How long to wait before a connection is tried again: doubling, with jitter, and cut short by good news. */

const FIRST_MS = 300;
const LONGEST_MS = 10_000;

export class Patience {
  private tries = 0;
  private wake: (() => void) | null = null;

  /** It worked: the next wait is a short one. */
  reset(): void {
    this.tries = 0;
  }

  /** There is reason to hope: do not wait any longer. */
  readonly hurry = (): void => {
    this.tries = 0;
    this.wake?.();
  };

  async wait(atLeastMs = 0): Promise<void> {
    const ms = waitMs(this.tries++, Math.random());
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.max(ms, atLeastMs));
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wake = null;
  }
}

/** The wait before try number `tries`; `luck` from 0 to 1 spreads those that lost their server together. */
export function waitMs(tries: number, luck: number): number {
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(tries, 10));
  return ceiling * (0.5 + luck / 2);
}

/** Call `listener` when the network or the person comes back. */
export function onReturn(listener: () => void): () => void {
  const shown = () => {
    if (!document.hidden) {
      listener();
    }
  };
  addEventListener("online", listener);
  addEventListener("pageshow", shown);
  document.addEventListener("visibilitychange", shown);
  return () => {
    removeEventListener("online", listener);
    removeEventListener("pageshow", shown);
    document.removeEventListener("visibilitychange", shown);
  };
}
