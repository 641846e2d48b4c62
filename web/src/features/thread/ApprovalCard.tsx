import { type ReactNode, useEffect, useId, useRef, useState } from "react";
import * as api from "../../api/conversations";
import { Refused, sentenceOf } from "../../api/problems";
import type { Approval } from "../../log/types";
import { inputFrom, leftWords } from "./approvals";

type Mode = "ask" | "edit" | "deny";

/** How often the time that is left is told anew. */
const TICK_MS = 20_000;

/** A tool that waits for a person's word. Whichever tab or device speaks first decides; all see it by the event. */
export default function ApprovalCard({ approval }: { approval: Approval }) {
  const [mode, setMode] = useState<Mode>("ask");
  const [sent, setSent] = useState(false);
  const [problem, setProblem] = useState("");
  const heading = useId();

  const say = async (word: api.Word) => {
    setSent(true);
    setProblem("");
    try {
      await api.resolve(approval.id, word);
    } catch (error) {
      setProblem(sentenceOf(error));
      setSent(error instanceof Refused && error.status === 409); // what was decided is on its way here
    }
  };
  const back = () => {
    setProblem("");
    setMode("ask");
  };

  return (
    <section className="approval" aria-labelledby={heading} aria-busy={sent}>
      <h3 id={heading}>
        Allow <code>{approval.name}</code>?
      </h3>
      {mode === "edit" ? (
        <EditInput input={approval.input} sent={sent} onBack={back} onProblem={setProblem} say={say} />
      ) : (
        <pre>{JSON.stringify(approval.input ?? {}, null, 2)}</pre>
      )}
      {problem !== "" && <p role="alert">{problem}</p>}
      {mode === "deny" && <DenyReason sent={sent} onBack={back} say={say} />}
      {mode === "ask" && (
        <Bar note={<Expiry expires_at={approval.expires_at} />}>
          <button
            type="button"
            className="primary"
            disabled={sent}
            onClick={() => void say({ decision: "allow" })}
          >
            Allow
          </button>
          <button type="button" disabled={sent} onClick={() => setMode("edit")}>
            Edit…
          </button>
          <button type="button" disabled={sent} onClick={() => setMode("deny")}>
            Deny…
          </button>
        </Bar>
      )}
    </section>
  );
}

function Bar({ note, children }: { note: ReactNode; children: ReactNode }) {
  return (
    <div className="approval-bar">
      {children}
      <span>{note}</span>
    </div>
  );
}

type FormProps = { sent: boolean; onBack: () => void; say: (word: api.Word) => Promise<void> };
type EditProps = FormProps & { input: unknown; onProblem: (sentence: string) => void };

function EditInput({ input, sent, onBack, onProblem, say }: EditProps) {
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => area.current?.focus(), []);
  const save = () => {
    try {
      void say({ decision: "edit", input: inputFrom(area.current?.value ?? "") });
    } catch (error) {
      onProblem(error instanceof Error ? error.message : "This cannot be used.");
    }
  };
  return (
    <form onSubmit={(event) => submitted(event, save)} onKeyDown={(event) => escaped(event, onBack)}>
      <textarea
        ref={area}
        className="code"
        aria-label="Input as JSON"
        spellCheck={false}
        defaultValue={JSON.stringify(input ?? {}, null, 2)}
      />
      <Bar note="It runs with this input, and Claude is told so.">
        <button type="submit" className="primary" disabled={sent}>
          Allow with this input
        </button>
        <button type="button" onClick={onBack}>
          Back
        </button>
      </Bar>
    </form>
  );
}

function DenyReason({ sent, onBack, say }: FormProps) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.focus(), []);
  const deny = () => {
    const reason = input.current?.value.trim() ?? "";
    void say(reason === "" ? { decision: "deny" } : { decision: "deny", reason });
  };
  return (
    <form onSubmit={(event) => submitted(event, deny)} onKeyDown={(event) => escaped(event, onBack)}>
      <input
        ref={input}
        aria-label="Reason"
        placeholder="Why not? Claude reads it (optional)"
        maxLength={2000}
      />
      <Bar note="">
        <button type="submit" className="danger" disabled={sent}>
          Deny
        </button>
        <button type="button" onClick={onBack}>
          Back
        </button>
      </Bar>
    </form>
  );
}

function submitted(event: React.FormEvent, then: () => void): void {
  event.preventDefault();
  then();
}

/** Escape stops the answer everywhere else. */
function escaped(event: React.KeyboardEvent, then: () => void): void {
  if (event.key === "Escape") {
    event.preventDefault();
    then();
  }
}

function Expiry({ expires_at }: { expires_at: number }) {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  const until = new Date(expires_at);
  return (
    <time dateTime={until.toISOString()} title={`After ${until.toLocaleString()} it counts as denied`}>
      Expires {leftWords(expires_at, now)}
    </time>
  );
}
