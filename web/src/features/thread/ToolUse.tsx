import { textOf } from "../../log/blocks";
import type { Approval, Block, ToolRun } from "../../log/types";
import { decidedWords } from "./approvals";

type Props = {
  block: Block;
  run: ToolRun | undefined;
  approval: Approval | undefined;
  result: Block | undefined;
  streaming: boolean;
};

/** A tool that Claude uses: its name and state, and, unfolded, what went in and what came out. */
export function ToolUse({ block, run, approval, result, streaming }: Props) {
  const output = outputOf(run, result);
  const state = stateOf(run, output, streaming);
  const decided = approval === undefined ? null : decidedWords(approval);
  const asked = inputOf(block);
  const used = approval?.decision === "edit" && run ? JSON.stringify(run.input, null, 2) : asked;
  return (
    <details className={`tool ${state === "failed" ? "wrong" : ""}`}>
      <summary>
        <code>{String(block.name ?? block.type)}</code>{" "}
        <span>{[state, decided].filter(Boolean).join(", ")}</span>
      </summary>
      {approval?.reason && <p className="reason">“{approval.reason}”</p>}
      <h4>{used === asked ? "Input" : "Input that Claude gave"}</h4>
      <pre>{asked}</pre>
      {used !== asked && (
        <>
          <h4>Input that it ran with</h4>
          <pre>{used}</pre>
        </>
      )}
      {output !== null && (
        <>
          <h4>Result</h4>
          <pre>{output}</pre>
        </>
      )}
    </details>
  );
}

function stateOf(run: ToolRun | undefined, output: string | null, streaming: boolean): string {
  if (streaming) {
    return "is being called";
  }
  if (run?.is_error) {
    return "failed";
  }
  if (output !== null) {
    return "done";
  }
  return run ? "running" : "asked for";
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
