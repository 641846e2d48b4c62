import { useEffect, useState } from "react";
import type { LiveConversation } from "../live/conversation";
import { useStore } from "../live/store";

/** A short break is nobody's business. */
const PATIENCE_MS = 1_500;

/** Says that the server is not reached, once that takes a while. */
export function Connection({ live }: { live: LiveConversation }) {
  const connected = useStore(live.store, (view) => view.connected);
  const problem = useStore(live.store, (view) => view.problem);
  const [late, setLate] = useState(false);
  useEffect(() => {
    setLate(false);
    const timer = connected ? undefined : setTimeout(() => setLate(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [connected]);
  return (
    <div className="connection" role="status">
      {late && !connected && (
        <p>
          {problem?.detail ?? "The connection is lost. What was written is kept, and it goes on by itself."}
        </p>
      )}
    </div>
  );
}
