/** An error answer as an exception: the problem body where the server gave one. */
import { either as E } from 'fp-ts';
import { Problem } from '../http/problem.ts';

export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly status: number;
  /** `VALIDATION_ERROR`, `NOT_YET_VISIBLE`, …; `HTTP_<status>` when something in between answered. */
  readonly code: string;
  readonly problem: Problem | null;
  /** From `Retry-After`; null when the server does not say that trying again helps. */
  readonly retryAfterSeconds: number | null;

  constructor(response: Pick<Response, 'status' | 'statusText' | 'headers'>, problem: Problem | null) {
    super(problem === null ? `${response.status} ${response.statusText}` : `${problem.code}: ${problem.detail}`);
    this.status = response.status;
    this.code = problem?.code ?? `HTTP_${response.status}`;
    this.problem = problem;
    const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
    this.retryAfterSeconds = Number.isNaN(seconds) ? null : seconds;
  }
}

/** Reads the body of an error answer. */
export const problemErrorOf = async (response: Response): Promise<ProblemError> => {
  const body: unknown = await response.json().catch(() => null); // not JSON: a proxy answered
  return new ProblemError(response, E.getOrElseW(() => null)(Problem.decode(body)));
};
