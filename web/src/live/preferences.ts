/** What a person prefers in this browser. */

import { keep, read } from "./kept";
import { Store } from "./store";

export type Theme = "system" | "light" | "dark";

export type Preferences = Readonly<{
  theme: Theme;
  /** For new conversations: a model's id, empty for the server's default; and an effort, empty for the model's. */
  model: string;
  effort: string;
}>;

const KEY = "preferences";

export const preferences = new Store<Preferences>(
  Object.assign({ theme: "system", model: "", effort: "" }, read<Partial<Preferences>>(KEY, {})),
);

export function prefer(changes: Partial<Preferences>): void {
  preferences.update(changes);
  keep(KEY, preferences.get());
  applyTheme();
}

export function applyTheme(): void {
  const { theme } = preferences.get();
  document.documentElement.dataset.theme = theme;
}
