import { prefer, preferences, type Theme } from "../../live/preferences";
import { useStore } from "../../live/store";

const THEMES: readonly [Theme, string][] = [
  ["system", "System colours"],
  ["light", "Light colours"],
  ["dark", "Dark colours"],
];

export function ThemePicker() {
  const theme = useStore(preferences, (value) => value.theme);
  return (
    <select
      aria-label="Colours"
      title="Colours"
      value={theme}
      onChange={(event) => prefer({ theme: event.target.value as Theme })}
    >
      {THEMES.map(([value, words]) => (
        <option key={value} value={value}>
          {words}
        </option>
      ))}
    </select>
  );
}
