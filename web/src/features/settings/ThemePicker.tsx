import { prefer, preferences, type Theme } from "../../live/preferences";
import { useStore } from "../../live/store";

const THEMES: readonly [Theme, string][] = [
  ["system", "As the system"],
  ["light", "Light"],
  ["dark", "Dark"],
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
