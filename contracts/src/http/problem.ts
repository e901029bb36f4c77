/** One error body for all of `/api`: RFC 9457 problem details beside the fields ISM clients read (chat-contract §1.1). */
import * as t from 'io-ts';
import { Timestamp } from '../time.ts';

export const errorCodes = {
  VALIDATION_ERROR: 400,
  UNAUTHORIZED: 401,
  TOKEN_EXPIRED: 401,
  INSUFFICIENT_PERMISSIONS: 403,
  CONTENT_NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  CONFLICT: 409,
  CONTENT_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  RANGE_NOT_SATISFIABLE: 416,
  IDEMPOTENCY_KEY_REUSED: 422,
  RATE_LIMITED: 429,
  UNEXPECTED_ERROR: 500,
  AUTH_UNAVAILABLE: 503,
  SERVICE_UNAVAILABLE: 503,
  NOT_YET_VISIBLE: 503,
} as const;
export type ErrorCode = keyof typeof errorCodes;

export const Problem = t.readonly(
  t.intersection([
    t.type({
      type: t.string,
      title: t.string,
      status: t.number,
      detail: t.string,
      code: t.string,
      timestamp: Timestamp,
      error: t.string,
      message: t.string,
      path: t.union([t.string, t.null]),
      errorCode: t.string,
    }),
    t.partial({
      /** `offset` and `length` say where in the value, if it has a grammar of its own. */
      errors: t.readonlyArray(
        t.intersection([t.type({ path: t.string, message: t.string }), t.partial({ offset: t.number, length: t.number })]),
      ),
      traceId: t.string,
      /** What the request was to change, as it is now, where it was made on an older state of it. */
      present: t.unknown,
    }),
  ]),
);
export type Problem = t.TypeOf<typeof Problem>;
