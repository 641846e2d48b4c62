import { useEffect } from "react";
import { Composer } from "../features/composer/Composer";
import { ModelPicker } from "../features/settings/ModelPicker";
import { Outgoing } from "../features/thread/Outgoing";
import { begin } from "../live/actions";
import { prefer, preferences } from "../live/preferences";
import { server, spoken } from "../live/server";
import { useWhole } from "../live/store";
import { saidHere } from "./begun";
import { Header } from "./Header";
import { outbox } from "./session";
import { Unsent } from "./Unsent";

/** Where a conversation begins: who answers is said before anything is asked. */
export function NewPage({ onMenu }: { onMenu: (() => void) | null }) {
  const { model, effort } = useWhole(preferences);
  const pending = useWhole(outbox.store).filter((entry) => entry.conversation === null);
  useEffect(() => {
    document.title = "Antiphon";
  }, []);
  return (
    <>
      <Header title={pending.length > 0 ? "New conversation" : ""} onMenu={onMenu} />
      {pending.length > 0 ? (
        <div className="scroller">
          <div className="column">
            <ol className="rows">
              {pending.map((entry) => (
                <li key={entry.id} className="row">
                  <Outgoing id={entry.id} outbox={outbox} />
                </li>
              ))}
            </ol>
          </div>
        </div>
      ) : (
        <Greeting />
      )}
      <Composer
        place="new"
        running={false}
        held={pending.length > 0 ? "The message before is still on its way" : null}
        onSend={(content) => saidHere(begin(outbox, content, model, effort).id)}
        onStop={() => {}}
        onEditLast={() => {}}
      >
        <ModelPicker
          model={model}
          effort={effort}
          onModel={(chosen) => prefer({ model: chosen })}
          onEffort={(chosen) => prefer({ effort: chosen })}
        />
      </Composer>
    </>
  );
}

function Greeting() {
  const { about, standard } = useWhole(server);
  return (
    <div className="greeting">
      <h2>What would you like to know?</h2>
      {about !== null && about.notice === "" && (
        <p>
          {spoken(standard)} answers. Everything you say is kept here, and found again on your other devices.
        </p>
      )}
      {about !== null && about.notice !== "" && <LocalNotice notice={about.notice} />}
      <Unsent />
    </div>
  );
}

/** What is to be typed: what stands between backticks, and names of variables. */
const TYPED = /(`[^`]+`|\b[A-Z]+(?:_[A-Z]+)+\b)/;

function withCode(sentence: string) {
  return sentence.split(TYPED).map((part, index) =>
    // biome-ignore lint/suspicious/noArrayIndexKey: a sentence does not change
    index % 2 === 1 ? <code key={index}>{part.replaceAll("`", "")}</code> : part,
  );
}

/** A small model answers because nobody has signed in to Claude: which one, and how to change that. */
function LocalNotice({ notice }: { notice: string }) {
  return (
    <section className="first" aria-label="Who answers">
      <p>{withCode(notice)}</p>
      <details>
        <summary>How to connect Claude</summary>
        <ol>
          <li>Make an API key in the Claude Console.</li>
          <li>Stop the server with Ctrl+C, set the key, and start the server again:</li>
        </ol>
        <pre>
          <code>export ANTHROPIC_API_KEY=…</code>
        </pre>
        <p>Your conversations stay where they are. What you say then goes to Claude, and costs money.</p>
      </details>
    </section>
  );
}
