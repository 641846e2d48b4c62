import { dismiss, notices } from "../live/notices";
import { useWhole } from "../live/store";
import { Close } from "../ui/icons";

/** What did not work, for a while. */
export function Notices() {
  const shown = useWhole(notices);
  return (
    <div className="notices" role="status">
      {shown.map((notice) => (
        <div key={notice.id} className="notice">
          <p>{notice.text}</p>
          <button type="button" className="icon" aria-label="Dismiss" onClick={() => dismiss(notice.id)}>
            <Close />
          </button>
        </div>
      ))}
    </div>
  );
}
