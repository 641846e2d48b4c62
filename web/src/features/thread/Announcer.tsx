import { useEffect, useState } from "react";
import type { LiveConversation } from "../../live/conversation";
import { textOf } from "../../log/blocks";
import { type Conversation, isOver, type Turn } from "../../log/types";
import { endingOf } from "./endings";

/** Between two announcements: a screen reader that is told every word says none of them. */
const GAP_MS = 1_500;

/** Up to the last end of a sentence or line. */
const SENTENCES = /^[\s\S]*[.!?:](?=\s)|^[\s\S]*\n/;

/** Tells a screen reader whole sentences of the answer as it is written, and how it ended. */
export function Announcer({ live }: { live: LiveConversation }) {
  const [said, setSaid] = useState("");
  useEffect(() => {
    const speech = new Speech(live, setSaid);
    const undo = live.store.subscribe(() => speech.hear());
    const timer = setInterval(() => speech.tell(), GAP_MS);
    speech.hear();
    return () => {
      undo();
      clearInterval(timer);
    };
  }, [live]);
  return (
    <div className="unseen" role="status" aria-live="polite">
      {said}
    </div>
  );
}

class Speech {
  /** The turn that ended last; undefined until the conversation has been read. */
  private ended: string | null | undefined;
  private message = "";
  private told = 0;
  private asked = "";
  private readonly live: LiveConversation;
  private readonly say: (text: string) => void;

  constructor(live: LiveConversation, say: (text: string) => void) {
    this.live = live;
    this.say = say;
    this.ended = live.isNew ? null : undefined;
    live.isNew = false;
  }

  /** Say the rest of an answer that has ended since. */
  hear(): void {
    const { phase, state } = this.live.store.get();
    if (phase !== "ready") {
      return;
    }
    this.ask(state);
    const last = Object.values(state.turns).findLast((turn) => isOver(turn.status));
    const isNews = this.ended !== undefined && last !== undefined && last.id !== this.ended;
    this.ended = last?.id ?? null;
    if (isNews) {
      const id = last.steps.at(-1)?.[0] ?? "";
      const rest = this.restOf(id, state.messages[id]?.content ?? []);
      this.say(`${rest} ${wordsOf(last, state)}`.trim());
    }
  }

  /** A tool asks: whoever listens has to know, since nothing goes on before they decide. */
  private ask(state: Conversation): void {
    const turn = state.running === null ? undefined : state.turns[state.running];
    const open = turn?.approvals.find((approval) => approval.decision === null);
    if (open !== undefined && open.id !== this.asked) {
      this.asked = open.id;
      this.say(`The tool ${open.name} asks whether it may run.`);
    }
  }

  /** Say the whole sentences that have come. */
  tell(): void {
    const { state } = this.live;
    const writing = state.running === null ? null : state.turns[state.running]?.writing;
    if (writing) {
      const whole = SENTENCES.exec(this.restOf(writing.id, writing.content))?.[0] ?? "";
      if (whole !== "") {
        this.told += whole.length;
        this.say(whole);
      }
    }
  }

  private restOf(id: string, content: Parameters<typeof textOf>[0]): string {
    if (id !== this.message) {
      this.message = id;
      this.told = 0;
    }
    return textOf(content).slice(this.told);
  }
}

function wordsOf(turn: Turn, state: Conversation): string {
  return endingOf(turn, state)?.text ?? "The answer is complete.";
}
