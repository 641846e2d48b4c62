/** What a request can end with that is no answer. */

export type ProblemBody = {
  type: string;
  title: string;
  status: number;
  detail: string;
  turn_id?: string;
};

/** The server said no: the same request would get the same answer, unless `isPassing`. */
export class Refused extends Error {
  readonly problem: ProblemBody;
  readonly retryAfterMs: number | null;

  constructor(problem: ProblemBody, retryAfterMs: number | null = null) {
    super(problem.detail);
    this.problem = problem;
    this.retryAfterMs = retryAfterMs;
  }

  get kind(): string {
    return this.problem.type.replace("/problems/", "");
  }

  get status(): number {
    return this.problem.status;
  }

  /** Whether waiting helps: the store is away, somebody has to sign in, or a proxy speaks for the server. */
  get isPassing(): boolean {
    return [401, 408, 429, 502, 503, 504].includes(this.status) && this.kind !== "queue-full";
  }
}

/** The server was not reached, or the connection broke. */
export class Unreachable extends Error {
  constructor() {
    super("The server cannot be reached.");
  }
}

export async function refusalOf(response: Response): Promise<Refused> {
  const told = await response.json().catch(() => null);
  const seconds = Number(response.headers.get("Retry-After"));
  const problem: ProblemBody = isProblem(told)
    ? told
    : {
        type: "/problems/unknown",
        title: "The server did not answer as expected",
        status: response.status,
        detail: `The server answered with status ${response.status}. Try again in a moment.`,
      };
  return new Refused(problem, seconds > 0 ? seconds * 1000 : null);
}

function isProblem(told: unknown): told is ProblemBody {
  return typeof told === "object" && told !== null && "type" in told && "detail" in told && "status" in told;
}

/** One sentence for people, whatever went wrong; `otherwise` where the server has said nothing. */
export function sentenceOf(
  error: unknown,
  otherwise = "The server cannot be reached. Nothing is lost; it is tried again by itself.",
): string {
  return error instanceof Refused ? error.problem.detail : otherwise;
}
