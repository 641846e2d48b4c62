import { addressOf } from "../../api/files";
import type { Upload, Uploads } from "../../live/uploads";
import { Again, Close } from "../../ui/icons";

/** The files that go with the next message: on their way, there, or with what is wrong. */
export function Attached({ uploads, of }: { uploads: readonly Upload[]; of: Uploads }) {
  return (
    <ul className="attachments" aria-label="Attached files">
      {uploads.map((upload) => (
        <li key={upload.id} className={upload.problem === null ? "chip" : "chip wrong"}>
          {upload.kept?.media_type.startsWith("image/") && (
            <img src={addressOf(upload.kept.file_id)} alt="" />
          )}
          <span title={upload.name}>{upload.name}</span>
          {upload.kept === null && upload.problem === null && (
            <progress value={upload.sent} aria-label={`Sending ${upload.name}`} />
          )}
          {upload.problem !== null && (
            <>
              <em role="alert">{upload.problem}</em>
              <button
                type="button"
                className="icon"
                aria-label={`Send ${upload.name} again`}
                onClick={() => of.again(upload.id)}
              >
                <Again />
              </button>
            </>
          )}
          <button
            type="button"
            className="icon"
            aria-label={`Remove ${upload.name}`}
            onClick={() => of.drop(upload.id)}
          >
            <Close />
          </button>
        </li>
      ))}
    </ul>
  );
}
