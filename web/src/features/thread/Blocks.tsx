import { memo } from "react";
import type { Approval, Block, ToolRun, Turn } from "../../log/types";
import { later } from "../../ui/later";
import { Markdown } from "../../ui/markdown/Markdown";
import { ToolUse } from "./ToolUse";

const ApprovalCard = later(() => import("./ApprovalCard"));

type Props = { content: readonly Block[]; turn: Turn; streaming: boolean };

/** The blocks of an assistant's message. The last one may still be written. */
export function Blocks({ content, turn, streaming }: Props) {
  return content.map((block, index) => (
    <One
      // biome-ignore lint/suspicious/noArrayIndexKey: a block keeps its index
      key={index}
      block={block}
      run={turn.tools.find((run) => run.tool_use_id === block.id)}
      approval={turn.approvals.find((approval) => approval.tool_use_id === block.id)}
      waiting={turn.status === "waiting"}
      result={content.find((other) => other.tool_use_id === block.id && block.id !== undefined)}
      streaming={streaming && index === content.length - 1}
    />
  ));
}

type OneProps = {
  block: Block;
  run: ToolRun | undefined;
  approval: Approval | undefined;
  waiting: boolean;
  result: Block | undefined;
  streaming: boolean;
};

const One = memo(function One({ block, run, approval, waiting, result, streaming }: OneProps) {
  switch (block.type) {
    case "text":
      return (
        <>
          <Markdown text={String(block.text ?? "")} streaming={streaming} />
          <Citations block={block} />
        </>
      );
    case "thinking":
      return <Thinking text={String(block.thinking ?? "")} streaming={streaming} />;
    case "redacted_thinking":
      return null;
    case "tool_use":
    case "server_tool_use":
    case "mcp_tool_use":
      return waiting && approval?.decision === null ? (
        <ApprovalCard approval={approval} />
      ) : (
        <ToolUse block={block} run={run} approval={approval} result={result} streaming={streaming} />
      );
    default:
      return block.tool_use_id === undefined ? <Unknown block={block} /> : null; // a result stands with its use
  }
});

function Thinking({ text, streaming }: { text: string; streaming: boolean }) {
  if (text.trim() === "") {
    return null;
  }
  return (
    <details className="thinking">
      <summary>{streaming ? "Thinking…" : "Thought about it"}</summary>
      <p>{text}</p>
    </details>
  );
}

function Unknown({ block }: { block: Block }) {
  return (
    <details className="tool">
      <summary>{block.type}</summary>
      <pre>{JSON.stringify(block, null, 2)}</pre>
    </details>
  );
}

function Citations({ block }: { block: Block }) {
  const cited = Array.isArray(block.citations) ? (block.citations as Record<string, unknown>[]) : [];
  const sources = new Map(cited.map((citation) => [String(citation.url ?? ""), citation]));
  const links = [...sources.values()].filter((citation) => /^https?:\/\//.test(String(citation.url)));
  if (links.length === 0) {
    return null;
  }
  return (
    <ul className="citations" aria-label="Sources">
      {links.map((citation) => (
        <li key={String(citation.url)}>
          <a href={String(citation.url)} target="_blank" rel="noopener noreferrer nofollow">
            {String(citation.title || citation.url)}
          </a>
        </li>
      ))}
    </ul>
  );
}
