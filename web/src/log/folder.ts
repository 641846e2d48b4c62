/** The fold at work: maps are copied when they are first changed, so a batch of deltas costs what it changes. */

import { applyDelta } from "./blocks";
import { type Events, type EventType, HEAD } from "./events";
import {
  addUsage,
  approvalOf,
  keptMessage,
  newTurn,
  problemOf,
  resolved,
  retriesOf,
  runOf,
  withResult,
} from "./parts";
import type { Block, Conversation, Frame, Message, Turn } from "./types";

type Rules = { [T in EventType]: (event: Events[T]) => void };

export class Folder {
  private state: Conversation;
  private ownsMessages = false;
  private ownsTurns = false;

  constructor(start: Conversation) {
    this.state = start;
  }

  result(): Conversation {
    return this.state;
  }

  apply(frame: Frame): void {
    const rule = Object.hasOwn(this.rules, frame.type) ? this.rules[frame.type as EventType] : undefined;
    rule?.(frame.data as never);
    this.set({ seq: frame.seq });
  }

  private readonly rules: Rules = {
    conversation_create: (event) => {
      const { title = "", system = "", model = "", options = {}, tools = [] } = event;
      this.set({ title, system, model, options, tools });
    },
    settings_change: (event) => {
      this.set({
        system: event.system ?? this.state.system,
        model: event.model ?? this.state.model,
        options: event.options ?? this.state.options,
        tools: event.tools ?? this.state.tools,
      });
    },
    title_change: (event) => this.set({ title: event.title }),
    head_move: (event) => this.set({ head: event.message_id }),
    message_add: (event) => this.addMessage(event),
    turn_queue: (event) => this.putTurn(newTurn(event.turn_id, event.message_id)),
    turn_start: (event) => this.startTurn(event),
    step_start: (event) => this.startStep(event),
    block_start: (event) => this.putBlock(event.index, event.block),
    block_delta: (event) => {
      const block = this.turn?.writing?.content[event.index];
      if (block !== undefined) {
        this.putBlock(event.index, applyDelta(block, event.delta));
      }
    },
    block_end: (event) => this.putBlock(event.index, event.block),
    tool_start: (event) => this.change(({ tools }) => ({ tools: [...tools, runOf(event)] })),
    tool_end: (event) => this.change(({ tools }) => ({ tools: withResult(tools, event) })),
    approval_request: (event) => {
      this.change(({ approvals }) => ({ status: "waiting", approvals: [...approvals, approvalOf(event)] }));
    },
    approval_resolve: (event) => this.change((turn) => resolved(turn, event)),
    model_change: ({ step, from_model, to_model, reason }) => {
      const fallback = { step, from_model, to_model, reason };
      this.change(({ fallbacks }) => ({ fallbacks: [...fallbacks, fallback] }));
    },
    step_end: (event) => this.endStep(event),
    error: (event) => {
      this.change((turn) => ({
        error: problemOf(event.error),
        usage: addUsage(turn.usage, event.usage),
        cost_nanodollars: turn.cost_nanodollars + (event.cost_nanodollars ?? 0),
      }));
    },
    turn_end: (event) => this.endTurn(event),
  };

  private get turn(): Turn | undefined {
    return this.state.running === null ? undefined : this.state.turns[this.state.running];
  }

  private set(changes: Partial<Conversation>): void {
    this.state = { ...this.state, ...changes };
  }

  /** Change the running turn; events of a turn that is not running here change nothing. */
  private change(changes: (turn: Turn) => Partial<Turn>): void {
    if (this.turn !== undefined) {
      this.putTurn({ ...this.turn, ...changes(this.turn) });
    }
  }

  private putTurn(turn: Turn): void {
    if (!this.ownsTurns) {
      this.set({ turns: { ...this.state.turns } });
      this.ownsTurns = true;
    }
    (this.state.turns as Record<string, Turn>)[turn.id] = turn;
  }

  private get ownMessages(): Record<string, Message> {
    if (!this.ownsMessages) {
      this.set({ messages: { ...this.state.messages } });
      this.ownsMessages = true;
    }
    return this.state.messages as Record<string, Message>;
  }

  private putMessage(message: Message): void {
    this.ownMessages[message.id] = message;
  }

  private putBlock(index: number, block: Block): void {
    this.change((turn) => {
      if (turn.writing === null) {
        return {};
      }
      const content = [
        ...turn.writing.content.slice(0, index),
        block,
        ...turn.writing.content.slice(index + 1),
      ];
      return { writing: { ...turn.writing, content } };
    });
  }

  private addMessage(event: Events["message_add"]): void {
    const { message_id: id, turn_id, content, parent_id = null, role = "user" } = event;
    this.putMessage({ id, parent_id, role, content, turn_id, model: null });
    const steps = this.turn?.steps ?? [];
    const last = steps.at(-1);
    if (event.turn_id === this.state.running && last !== undefined) {
      this.change(() => ({ steps: [...steps.slice(0, -1), [...last, id]] }));
      this.set({ head: id });
    }
  }

  private startTurn(event: Events["turn_start"]): void {
    const turn = this.state.turns[event.turn_id] ?? newTurn(event.turn_id, event.message_id);
    this.putTurn({ ...turn, status: "running", parent_id: event.parent_id });
    this.set({ running: event.turn_id, head: event.message_id ?? event.parent_id });
    const message = event.message_id === null ? undefined : this.state.messages[event.message_id];
    if (message !== undefined) {
      this.putMessage({ ...message, parent_id: event.parent_id });
    }
  }

  private startStep(event: Events["step_start"]): void {
    const { message_id: id, parent_id, model, attempt } = event;
    this.drop(this.turn?.steps.slice(event.step) ?? [], parent_id);
    this.change((turn) => ({
      writing: { id, parent_id, role: "assistant", content: [], turn_id: turn.id, model },
      retries: retriesOf(turn, event.step),
      steps: [...turn.steps.slice(0, event.step), [id]],
      attempt,
      model,
      stop_reason: null,
      error: null,
    }));
  }

  /** Take away the messages of steps that do not stay; `parent_id` is what they answered. */
  private drop(steps: readonly (readonly string[])[], parent_id: string | null): void {
    for (const id of steps.flat()) {
      delete this.ownMessages[id];
      if (this.state.head === id) {
        this.set({ head: parent_id });
      }
    }
  }

  private endStep(event: Events["step_end"]): void {
    const written = this.turn?.writing;
    if (written) {
      this.putMessage({ ...written, model: event.model });
      this.set({ head: written.id });
    }
    this.change((turn) => ({
      writing: null,
      model: event.model,
      stop_reason: event.stop_reason,
      usage: addUsage(turn.usage, event.usage),
      cost_nanodollars: turn.cost_nanodollars + event.cost_nanodollars,
      saved_nanodollars: turn.saved_nanodollars + (event.saved_nanodollars ?? 0),
    }));
  }

  private endTurn(event: Events["turn_end"]): void {
    const turn = this.state.turns[event.turn_id] ?? newTurn(event.turn_id, null);
    const messages = this.ownMessages; // a new map also where none is taken away: which of them count has changed
    if (turn.status === "queued" && turn.message_id !== null) {
      delete messages[turn.message_id];
    }
    this.drop(turn.steps.slice(event.kept.steps), event.head);
    let steps = turn.steps.slice(0, event.kept.steps);
    const partial = keptMessage(turn, event.kept);
    if (partial !== null) {
      this.putMessage(partial);
      steps = [...steps, [partial.id]];
    }
    if (event.head !== HEAD) {
      this.set({ head: event.head });
    }
    const error = event.error ? problemOf(event.error) : null;
    this.putTurn({ ...turn, status: event.status, steps, writing: null, error });
    if (this.state.running === event.turn_id) {
      this.set({ running: null });
    }
  }
}
