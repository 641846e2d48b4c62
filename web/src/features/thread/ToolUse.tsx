import { textOf } from "../../log/blocks";
import type { Block, ToolRun } from "../../log/types";

type Props = { block: Block; run: ToolRun | undefined; result: Block | undefined; streaming: boolean };

/** A tool that Claude uses: its name and state, and, unfolded, what went in and what came out. */
export function ToolUse({ block, run, result, streaming }: Props) {
  const output = outputOf(run, result);
  const state = streaming
    ? "is being called"
    : run?.is_error
      ? "failed"
      : output !== null
        ? "done"
        : run
          ? "running"
          : "asked for";
  return (
    <details className={`tool ${state === "failed" ? "wrong" : ""}`}>
      <summary>
        <code>{String(block.name ?? block.type)}</code> <span>{state}</span>
      </summary>
      <h4>Input</h4>
      <pre>{inputOf(block)}</pre>
      {output !== null && (
        <>
          <h4>Result</h4>
          <pre>{output}</pre>
        </>
      )}
    </details>
  );
}

function inputOf(block: Block): string {
  const unfinished = block.partial_json ?? block.invalid_json;
  return typeof unfinished === "string" ? unfinished : JSON.stringify(block.input ?? {}, null, 2);
}

function outputOf(run: ToolRun | undefined, result: Block | undefined): string | null {
  if (run?.content) {
    return textOf(run.content) || JSON.stringify(run.content, null, 2);
  }
  return result === undefined ? null : JSON.stringify(result.content ?? null, null, 2);
}
