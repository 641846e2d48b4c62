import { modelOf, server, spoken } from "../../live/server";
import { useWhole } from "../../live/store";

type Props = {
  /** Empty for the server's own. */
  model: string;
  effort: string;
  onModel: (model: string) => void;
  onEffort: (effort: string) => void;
};

/** A server talks to Claude or to the model on its machine, not to both. */
const LOCAL = "local";

const EFFORTS: Readonly<Record<string, string>> = {
  low: "Low effort",
  medium: "Medium effort",
  high: "High effort",
  xhigh: "Very high effort",
  max: "Highest effort",
};

/** Who answers, and how hard they try. */
export function ModelPicker({ model, effort, onModel, onEffort }: Props) {
  const known = useWhole(server);
  if (known.about === null) {
    return null;
  }
  const current = modelOf(known, model);
  const isLocal = current === undefined && model === "";
  const name = isLocal ? known.about.model : spoken(known.standard);
  const efforts = current?.efforts ?? [];
  const others = known.models.filter(
    (each) => each.id !== known.standard && ![each.id, known.standard].includes(LOCAL),
  );
  if (others.length === 0) {
    return <span className="choice">{name}</span>;
  }
  return (
    <>
      <select
        aria-label="Model"
        title="Model"
        value={model}
        onChange={(event) => onModel(event.target.value)}
      >
        <option value="">{name}</option>
        {others.map((each) => (
          <option key={each.id} value={each.id}>
            {spoken(each.id)}
          </option>
        ))}
      </select>
      {efforts.length > 0 && (
        <select
          aria-label="Effort"
          title="Effort"
          value={effort}
          onChange={(event) => onEffort(event.target.value)}
        >
          <option value="">Usual effort</option>
          {efforts.map((each) => (
            <option key={each} value={each}>
              {EFFORTS[each] ?? each}
            </option>
          ))}
        </select>
      )}
    </>
  );
}
