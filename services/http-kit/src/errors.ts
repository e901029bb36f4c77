/** The one place where what went wrong becomes an HTTP answer: `ApiError`s, domain rejections, and failures of the parts behind us. */
import { BlobNotFound, BlobStoreUnavailable, BlobTooLarge } from '@tidings/contracts/ports/blob-store';
import { EventTooLarge, LogUnavailable, Overloaded } from '@tidings/contracts/ports/event-log';
import { WordIndexMissing, WordIndexUnavailable } from '@tidings/contracts/ports/word-index';
import { errorCodes, type ErrorCode, type Problem } from '@tidings/contracts/http/problem';
import type { FieldError } from '@tidings/contracts/codec';
import { timestamp } from '@tidings/contracts/time';
import { TooManyConflicts } from '@tidings/infra/commands/create-commands';
import { ProjectionUnavailable } from '@tidings/infra/projector/live-schema';
import { STATUS_CODES } from 'node:http';
import { BackendTerminatedError, BackendTerminatedUnexpectedlyError, ConnectionError } from 'slonik';

/** An answer other than success that we chose to give. The message is for the caller: plain words, nothing internal, no personal data. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ErrorCode;
  readonly fields: readonly FieldError[];
  readonly headers: Readonly<Record<string, string>>;
  /** As the route shows what could not be changed, for who asked on an older state of it. */
  readonly present: unknown;

  constructor(
    code: ErrorCode,
    message: string,
    more: {
      readonly fields?: readonly FieldError[];
      readonly headers?: Readonly<Record<string, string>>;
      readonly present?: unknown;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.code = code;
    this.fields = more.fields ?? [];
    this.headers = more.headers ?? {};
    this.present = more.present;
  }

  get status(): number {
    return errorCodes[this.code];
  }
}

/** 400 that lists each faulty field by the name the caller wrote. */
export const invalid = (fields: readonly FieldError[]): ApiError =>
  new ApiError(
    'VALIDATION_ERROR',
    fields.map((field) => (field.path === '' ? `The body ${field.message}` : `${field.path} ${field.message}`)).join('; '),
    {
      fields,
    },
  );

const RETRY_SOON = { 'retry-after': '1' };

/**
 * Any thrown value as the error to answer with. Only `UNEXPECTED_ERROR` is our fault and worth a stack trace in the log.
 * @param changing read models that exist in two versions just now
 */
export const toApiError = (thrown: unknown, changing: readonly string[] = []): ApiError => {
  if (thrown instanceof ApiError) return thrown;
  if (thrown instanceof Overloaded) {
    return new ApiError('SERVICE_UNAVAILABLE', 'Too much is being written just now; nothing was changed. Try again shortly.', {
      headers: RETRY_SOON,
      cause: thrown,
    });
  }
  if (thrown instanceof LogUnavailable) {
    return new ApiError(
      'SERVICE_UNAVAILABLE',
      thrown.outcome === 'unknown'
        ? 'The connection to the event log broke before it answered, so this request may or may not have been carried out. Send it again with the same Idempotency-Key.'
        : 'The event log cannot be reached; nothing was changed. Try again shortly.',
      { headers: RETRY_SOON, cause: thrown },
    );
  }
  if (thrown instanceof TooManyConflicts) {
    return new ApiError('SERVICE_UNAVAILABLE', 'Others keep changing the same thing; nothing was changed. Try again shortly.', {
      headers: RETRY_SOON,
      cause: thrown,
    });
  }
  if (thrown instanceof EventTooLarge || thrown instanceof BlobTooLarge) {
    return new ApiError('CONTENT_TOO_LARGE', 'What was sent is larger than is kept.', { cause: thrown });
  }
  if (thrown instanceof BlobNotFound) return new ApiError('CONTENT_NOT_FOUND', 'These bytes are no longer kept.', { cause: thrown });
  if (thrown instanceof BlobStoreUnavailable || isLostDatabase(thrown)) {
    return new ApiError('SERVICE_UNAVAILABLE', 'A store behind this service cannot be reached. Try again shortly.', {
      headers: RETRY_SOON,
      cause: thrown,
    });
  }
  if (thrown instanceof WordIndexUnavailable || thrown instanceof WordIndexMissing) {
    return new ApiError('SERVICE_UNAVAILABLE', 'Nothing can be searched just now; everything else goes on. Try again shortly.', {
      headers: RETRY_SOON,
      cause: thrown,
    });
  }
  if (thrown instanceof ProjectionUnavailable) {
    return new ApiError('SERVICE_UNAVAILABLE', `The read model ${thrown.projection} is not there yet. Try again shortly.`, {
      headers: RETRY_SOON,
      cause: thrown,
    });
  }
  if (changing.length > 0 && hasCode(thrown, OTHER_SHAPE)) {
    return new ApiError(
      'SERVICE_UNAVAILABLE',
      `This is read from tables of another version until the new ones are built (${changing.join(', ')}). Nothing is lost; try again in a while.`,
      { headers: { 'retry-after': '5' }, cause: thrown },
    );
  }
  return fromFastify(thrown) ?? new ApiError('UNEXPECTED_ERROR', 'Something went wrong on our side.', { cause: thrown });
};

/** Connection failures (SQLSTATE class 08, 57P0x shutdown, 53300 too many connections) and Node's socket errors. */
const isLostDatabase = (thrown: unknown): boolean =>
  someCause(thrown, (error) => LOST.some((kind) => error instanceof kind) || LOST_MESSAGE.test(error.message)) ||
  hasCode(thrown, LOST_CODES);

const hasCode = (thrown: unknown, codes: RegExp): boolean =>
  someCause(thrown, (error) => 'code' in error && typeof error.code === 'string' && codes.test(error.code));

/** Whether it is so of an error or of what it wraps, as slonik and drivers do. */
const someCause = (thrown: unknown, is: (error: Error) => boolean, depth = 0): boolean => {
  if (!(thrown instanceof Error) || depth > 4) return false;
  if (is(thrown)) return true;
  if (thrown instanceof AggregateError) return thrown.errors.some((inner) => someCause(inner, is, depth + 1));
  return someCause(thrown.cause, is, depth + 1);
};
const LOST = [ConnectionError, BackendTerminatedError, BackendTerminatedUnexpectedlyError];
const LOST_CODES = /^(08\w{3}|57P0[1-5]|53300|ECONNREFUSED|ECONNRESET|EPIPE|ENOENT|ETIMEDOUT)$/;
/** There is no such column, table or function, or it is of another type. */
const OTHER_SHAPE = /^(42703|42P01|42883|42804)$/;
/** pg gives these without a code. */
const LOST_MESSAGE = /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error)/;

/** What Fastify says about requests that never reach a handler. */
const fromFastify = (thrown: unknown): ApiError | undefined => {
  if (!(thrown instanceof Error) || !('code' in thrown) || typeof thrown.code !== 'string') return undefined;
  switch (thrown.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new ApiError('CONTENT_TOO_LARGE', 'The body is over 5 MiB.', { cause: thrown });
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
    case 'FST_ERR_CTP_INVALID_CONTENT_TYPE':
      return new ApiError('UNSUPPORTED_MEDIA_TYPE', 'The body must be application/json.', { cause: thrown });
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return new ApiError('VALIDATION_ERROR', 'The body is not valid JSON.', { cause: thrown });
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new ApiError('VALIDATION_ERROR', 'The body is not as long as Content-Length says.', { cause: thrown });
    case 'FST_ERR_BAD_URL':
      return new ApiError('VALIDATION_ERROR', 'The path is not a valid URL.', { cause: thrown });
    default:
      return undefined;
  }
};

/** The body of an error answer: RFC 9457 beside ISM's fields (chat-contract §1.1). `path` is the route's template, or null. */
export const problemOf = (
  error: ApiError,
  where: { readonly path: string | null; readonly traceId: string; readonly now: number },
): Problem => ({
  type: `urn:tidings:problem:${error.code.toLowerCase().replaceAll('_', '-')}`,
  title: STATUS_CODES[error.status] ?? 'Error',
  status: error.status,
  detail: error.message,
  code: error.code,
  timestamp: timestamp(where.now),
  error: STATUS_CODES[error.status] ?? 'Error',
  message: error.message,
  path: where.path,
  errorCode: error.code,
  ...(error.fields.length === 0 ? {} : { errors: error.fields }),
  traceId: where.traceId,
  ...(error.present === undefined ? {} : { present: error.present }),
});
