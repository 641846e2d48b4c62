/** One conversation as it is shown: the fold of its log, drawn at most once per animation frame. */

import * as api from "../api/conversations";
import type { Notice } from "../api/notices";
import type { ProblemBody, Refused } from "../api/problems";
import { fold } from "../log/fold";
import { type Conversation, type Frame, NOTHING } from "../log/types";
import { Follower } from "./follow";
import { Store } from "./store";

/** How often a hidden tab draws: it need not keep up, but its title and its reader's place should. */
const HIDDEN_MS = 1_000;

export type View = Readonly<{
  phase: "loading" | "ready" | "gone";
  connected: boolean;
  /** Why the server does not give the conversation, if it says so. */
  problem: ProblemBody | null;
  state: Conversation;
}>;

export class LiveConversation {
  readonly id: string;
  readonly store = new Store<View>({ phase: "loading", connected: true, problem: null, state: NOTHING });
  onNotice: (notice: Notice) => void = () => {};
  /** It was begun here a moment ago: what it says is news from the first word on. */
  isNew = false;
  private follower: Follower | null = null;
  private waiting: Frame[] = [];
  private drawing: (() => void) | null = null;

  constructor(id: string) {
    this.id = id;
  }

  get state(): Conversation {
    return this.store.get().state;
  }

  open(): void {
    if (this.follower !== null || this.store.get().phase === "gone") {
      return;
    }
    this.follower = new Follower(this.id, {
      cursor: () => this.cursor(),
      onSnapshot: (state) => {
        this.waiting = [];
        this.store.update({ phase: "ready", problem: null, state });
      },
      onFrames: (frames) => this.take(frames),
      onNotice: (notice) => this.onNotice(notice),
      onConnection: (connected) =>
        this.store.update(connected ? { connected, problem: null } : { connected }),
      onGone: () => this.store.update({ phase: "gone" }),
      onProblem: (refused: Refused) => this.store.update({ problem: refused.problem }),
    });
    this.follower.start();
  }

  close(): void {
    this.follower?.stop();
    this.follower = null;
    this.draw();
  }

  /** Stop a turn; what is shown of its answer now is what stays. */
  async stop(turn_id: string): Promise<void> {
    this.draw();
    await api.cancel(turn_id, this.state.seq);
  }

  private cursor(): number | null {
    if (this.store.get().phase === "loading") {
      return null;
    }
    return this.waiting.at(-1)?.seq ?? this.state.seq;
  }

  /** Frames that were applied before are dropped, so that nothing is shown twice. */
  private take(frames: Frame[]): void {
    const after = this.cursor() ?? 0;
    this.waiting.push(...frames.filter((frame) => frame.seq > after));
    if (this.waiting.length > 0 && this.drawing === null) {
      this.drawing = soon(() => {
        this.drawing = null;
        this.draw();
      });
    }
  }

  private draw(): void {
    this.drawing?.();
    this.drawing = null;
    if (this.waiting.length > 0) {
      const frames = this.waiting;
      this.waiting = [];
      this.store.update({ state: fold(frames, this.state) });
    }
  }
}

/** Before the next paint, or after a while in a tab that nobody sees. Returns how to call it off. */
function soon(draw: () => void): () => void {
  const off = () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
  };
  const once = () => {
    off();
    draw();
  };
  const frame = requestAnimationFrame(once);
  const timer = setTimeout(once, HIDDEN_MS); // a hidden tab is given no frame
  return off;
}
