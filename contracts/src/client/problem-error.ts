/** An error answer as an exception: the problem body where the server gave one. */
import * as E from 'fp-ts/lib/Either.js';
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
    this.retryAfterSeconds = secondsOf(response.headers.get('retry-after'));
  }
}

/** Seconds, or a date (RFC 9110 §10.2.3). */
const secondsOf = (retryAfter: string | null): number | null => {
  if (retryAfter === null) return null;
  const seconds = /^\d+$/.test(retryAfter) ? Number(retryAfter) : Math.ceil((Date.parse(retryAfter) - Date.now()) / 1000);
  return Number.isNaN(seconds) ? null : Math.max(0, seconds);
};

/** Reads the body of an error answer. */
export const problemErrorOf = async (response: Response): Promise<ProblemError> => {
  const body: unknown = await response.json().catch(() => null); // not JSON: a proxy answered
  return new ProblemError(response, E.getOrElseW(() => null)(Problem.decode(body)));
};
