/**
 * Following a conversation: read it once, then its events from there, for as long as somebody looks.
 *
 * The stream is taken up again from the last event that was applied, with patience; at once when the network or
 * the person comes back. A tab that is hidden for a while closes it: browsers allow few connections per server.
 */

import * as api from "../api/conversations";
import { isAbort, isGone } from "../api/http";
import { type Notice, noticeOf } from "../api/notices";
import { Refused } from "../api/problems";
import { heardFrom } from "../api/sse";
import type { Conversation, Frame } from "../log/types";
import { onReturn, Patience } from "./patience";

/** The server sends a sign of life every 15 s; after so long without one the connection is taken for dead. */
const SILENCE_MS = 40_000;
const HIDDEN_MS = 10_000;

export type Listener = {
  /** The last event that was applied; null before anything was read. */
  cursor(): number | null;
  onSnapshot(state: Conversation): void;
  onFrames(frames: Frame[]): void;
  onNotice(notice: Notice): void;
  onConnection(connected: boolean): void;
  onGone(): void;
  onProblem(refused: Refused): void;
};

export class Follower {
  private readonly patience = new Patience();
  private attempt: AbortController | null = null;
  private lastHeard = 0;
  private stopped = false;
  private resting: (() => void) | null = null;
  private hiding: ReturnType<typeof setTimeout> | undefined;
  private readonly undo: (() => void)[] = [];
  private readonly id: string;
  private readonly listener: Listener;

  constructor(id: string, listener: Listener) {
    this.id = id;
    this.listener = listener;
  }

  start(): void {
    const watchdog = setInterval(() => this.check(), 5_000);
    this.undo.push(
      () => clearInterval(watchdog),
      onReturn(() => this.comeBack()),
    );
    const hidden = () => this.hide();
    document.addEventListener("visibilitychange", hidden);
    this.undo.push(() => document.removeEventListener("visibilitychange", hidden));
    // A connection that lost its network may look alive for minutes; one to this machine is simply taken up again.
    const offline = () => this.attempt?.abort();
    addEventListener("offline", offline);
    this.undo.push(() => removeEventListener("offline", offline));
    void this.run();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.hiding);
    for (const undo of this.undo) {
      undo();
    }
    this.attempt?.abort();
    this.patience.hurry();
    this.resting?.();
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      await this.rested();
      this.attempt = new AbortController();
      this.lastHeard = Date.now();
      let atLeastMs = 0;
      try {
        await this.once(this.attempt.signal);
      } catch (error) {
        if (isGone(error)) {
          this.listener.onGone();
          return;
        }
        if (error instanceof Refused) {
          atLeastMs = error.retryAfterMs ?? 0;
          this.listener.onProblem(error);
        }
        if (isAbort(error)) {
          continue;
        }
      }
      if (!this.stopped) {
        this.listener.onConnection(false);
        await this.patience.wait(atLeastMs);
      }
    }
  }

  /** One connection, until it ends. */
  private async once(signal: AbortSignal): Promise<void> {
    if (this.listener.cursor() === null) {
      const read = await api.snapshot(this.id, signal);
      this.listener.onSnapshot(read.state);
    }
    const response = await api.events(this.id, this.listener.cursor() ?? 0, signal);
    if (response.body === null) {
      return;
    }
    this.patience.reset();
    this.listener.onConnection(true);
    for await (const heard of heardFrom(response.body)) {
      this.lastHeard = Date.now();
      const frames: Frame[] = [];
      for (const event of heard) {
        if (event?.type === "reset") {
          const read = await api.snapshot(this.id, signal);
          this.listener.onSnapshot(read.state);
          return;
        }
        if (event !== null && event.id !== null) {
          frames.push({ seq: Number(event.id), type: event.type, data: JSON.parse(event.data) });
        } else if (event?.type === "notice") {
          const notice = noticeOf(event.data);
          if (notice !== null) {
            this.listener.onNotice(notice);
          }
        }
      }
      if (frames.length > 0) {
        this.listener.onFrames(frames);
      }
    }
  }

  /** A connection that says nothing is dead, also one that a sleeping machine has left behind. */
  private check(): void {
    if (this.resting === null && Date.now() - this.lastHeard > SILENCE_MS) {
      this.attempt?.abort();
    }
  }

  private hide(): void {
    clearTimeout(this.hiding);
    if (document.hidden) {
      this.hiding = setTimeout(() => {
        this.resting ??= () => {};
        this.attempt?.abort();
      }, HIDDEN_MS);
    }
  }

  private comeBack(): void {
    clearTimeout(this.hiding);
    this.patience.hurry();
    const wake = this.resting;
    this.resting = null;
    wake?.();
    this.check();
  }

  /** Waits while the tab is hidden. */
  private async rested(): Promise<void> {
    if (this.resting !== null && !this.stopped) {
      await new Promise<void>((resolve) => {
        this.resting = resolve;
      });
    }
  }
}
