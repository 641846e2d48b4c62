/** Who answers here, and which models can be asked; asked again until the server says it. */

import * as api from "../api/conversations";
import { onReturn, Patience } from "./patience";
import { Store } from "./store";

export type Server = Readonly<{ about: api.About | null; models: readonly api.Model[]; standard: string }>;

export const server = new Store<Server>({ about: null, models: [], standard: "" });

export async function meetServer(): Promise<void> {
  const patience = new Patience();
  const undo = onReturn(patience.hurry);
  while (server.get().about === null) {
    try {
      const [about, { models, default: standard }] = await Promise.all([api.about(), api.models()]);
      server.set({ about, models, standard });
    } catch {
      await patience.wait();
    }
  }
  undo();
}

/** The model behind a conversation's setting, where empty is the server's own. */
export function modelOf(known: Server, setting: string): api.Model | undefined {
  return known.models.find((model) => model.id === (setting || known.standard));
}

/** A model's name as people say it: `claude-sonnet-5-5` is Sonnet 5.5. */
export function spoken(id: string): string {
  const match = /^claude-([a-z]+)-(\d+)(?:-(\d{1,2}))?(?:-\d{8})?$/.exec(id);
  if (match === null) {
    return id;
  }
  const [, family = "", major, minor] = match;
  const version = minor === undefined ? major : `${major}.${minor}`;
  return `${family.charAt(0).toUpperCase()}${family.slice(1)} ${version}`;
}

type Effort = NonNullable<NonNullable<api.Options>["effort"]>;

/** Options for a model: thinking is shown where the model can; an effort where it has one. */
export function optionsFor(model: api.Model | undefined, effort: string): NonNullable<api.Options> {
  return {
    ...(model?.thinking.includes("adaptive")
      ? { thinking: { type: "adaptive", display: "summarized" } as const }
      : {}),
    ...(model?.efforts.includes(effort) ? { output_config: { effort: effort as Effort } } : {}),
  };
}

export function effortIn(options: Readonly<Record<string, unknown>>): string {
  const config = options.output_config;
  const effort = typeof config === "object" && config !== null && "effort" in config ? config.effort : "";
  return typeof effort === "string" ? effort : "";
}
