import { useEffect, useState } from "react";
import { Check, Copy } from "./icons";

const SHOWN_MS = 1_500;

/** Copies `text`, and says so. */
export function CopyButton({ text, label }: { text: string; label: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    const timer = copied ? setTimeout(() => setCopied(false), SHOWN_MS) : undefined;
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async () => setCopied(await copyText(text));
  return (
    <button
      type="button"
      className="icon"
      onClick={copy}
      aria-label={copied ? "Copied" : label}
      title={label}
    >
      {copied ? <Check /> : <Copy />}
    </button>
  );
}

/** The clipboard is only there on https and on this machine; elsewhere the old way must do. */
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
