import { memo, useEffect, useState } from "react";
import { CopyButton } from "../CopyButton";
import { clean } from "./clean";

/** Longer code stays plain: colouring it would hold up the page. */
const LONGEST = 20_000;

type Props = { code: string; language: string; open: boolean };

/** Code with its language and a button that copies it; coloured once it is complete. */
export const CodeBlock = memo(function CodeBlock({ code, language, open }: Props) {
  const html = useColours(code, language, open);
  return (
    <div className="code">
      <div className="code-bar">
        <span>{language || "text"}</span>
        <CopyButton text={code} label="Copy code" />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre tabIndex={0}>
        {html === null ? (
          <code>{code}</code>
        ) : (
          // biome-ignore lint/security/noDangerouslySetInnerHtml: it has gone through `clean`
          <code dangerouslySetInnerHTML={{ __html: html }} />
        )}
      </pre>
    </div>
  );
});

function useColours(code: string, language: string, open: boolean): string | null {
  const [html, setHtml] = useState<string | null>(null);
  useEffect(() => {
    setHtml(null);
    if (open || language === "" || code.length > LONGEST) {
      return;
    }
    let wanted = true;
    import("./languages")
      .then(({ coloured }) => {
        const made = coloured(code, language);
        if (wanted && made !== null) {
          setHtml(clean(made));
        }
      })
      .catch(() => {}); // the code is there without colours
    return () => {
      wanted = false;
    };
  }, [code, language, open]);
  return html;
}
