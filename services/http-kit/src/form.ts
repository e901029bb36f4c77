/**
 * Routes whose body is a form with a file. The file goes to disk as it comes, so that memory stays flat whatever its size and however slowly
 * it is sent, and a sender who gives up leaves nothing. Handlers get a `ReceivedFile`; it is gone when the request ends.
 */
import multipart, { type MultipartFile } from '@fastify/multipart';
import { FileForm, FormOr, ReceivedFile } from '@tidings/contracts/http/form';
import type { Route } from '@tidings/contracts/http/route';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type * as t from 'io-ts';
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Platform } from '../../platform/src/platform.ts';
import type { Ctx } from './ctx.ts';
import { ApiError, invalid } from './errors.ts';
import { type Answer, handle, type HandleOptions } from './handle.ts';
import { allowForFile } from './slow-senders.ts';

/** Boundaries, part headers and small fields beside the file. */
const FORM_OVERHEAD = 64 * 1024;
const MIB = 1024 * 1024;

export interface FormOptions extends HandleOptions {
  /** Less than the route says. */
  readonly maxBytes?: number;
  /** The sender may take this long, in milliseconds, as long as the file keeps coming. */
  readonly patienceMs?: number;
}

/** As `handle`, for a route whose body is a `FileForm`, or may be one; counts as one of the `uploads`. */
export const handleForm = <P extends t.Mixed, Q extends t.Mixed, B extends t.Mixed, R extends t.Mixed>(
  app: FastifyInstance,
  platform: Platform,
  route: Route<P, Q, B, R>,
  handler: (ctx: Ctx<t.TypeOf<P>, t.TypeOf<Q>, t.TypeOf<B>>) => Answer<R>,
  { maxBytes, patienceMs, ...options }: FormOptions = {},
): void => {
  const orJson = route.body instanceof FormOr;
  const { field, oversize, maxBytes: most } = formOf(route);
  const form = { field, oversize, maxBytes: Math.min(most, maxBytes ?? most), patienceMs };
  // A scope of its own: everywhere else forms stay 415.
  void app.register(async (scope) => {
    await scope.register(multipart, {
      throwFileSizeLimit: false, // the rest is read and dropped, so that the sender hears why
      limits: { fileSize: form.maxBytes, files: 1, fields: 20, fieldNameSize: 100, fieldSize: 1024, parts: 21, headerPairs: 50 },
    });
    if (!orJson) scope.removeContentTypeParser('application/json');
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null)); // `receive` refuses it in its own words
    scope.addHook('preHandler', async (request, reply) => {
      if (!orJson || !isJson(request)) request.body = await receive(request, reply, form);
    });
    handle(scope, platform, route, handler, { rateClass: 'uploads', ...options });
  });
};

/** @throws when the route takes none: use `handle` */
const formOf = ({ id, body }: Route): FileForm => {
  if (body instanceof FormOr) return body.form;
  if (body instanceof FileForm) return body;
  throw new Error(`route ${id} takes no form: register it with handle`);
};

/** What is asked of the form, and of who sends it. */
interface Expected {
  readonly field: string;
  readonly maxBytes: number;
  readonly oversize: 400 | 413;
  readonly patienceMs: number | undefined;
}

const isJson = ({ headers }: FastifyRequest): boolean => /^application\/json\b/i.test(headers['content-type'] ?? '');

const receive = async (request: FastifyRequest, reply: FastifyReply, form: Expected): Promise<ReceivedFile> => {
  if (!request.isMultipart()) throw new ApiError('UNSUPPORTED_MEDIA_TYPE', 'The body must be multipart/form-data.');
  if (Number(request.headers['content-length']) > form.maxBytes + FORM_OVERHEAD) throw tooLarge(form);
  allowForFile(request.raw, form.patienceMs);
  const folder = await mkdtemp(join(tmpdir(), 'tidings-upload-')).catch(unwritable);
  goesWith(folder, request, reply);
  const received = await readForm(request, form, folder);
  if (received === null) throw invalid([{ path: form.field, message: 'is required: the form must have a file of this name' }]);
  if (received.size === 0) throw invalid([{ path: form.field, message: 'must not be empty' }]);
  return received;
};

/** A sender may give up at any moment: before the folder was there, or while the file in it is being opened, hence the retries. */
const goesWith = (folder: string, request: FastifyRequest, reply: FastifyReply): void => {
  const remove = (): void => {
    rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 }).catch((error: unknown) => {
      request.log.warn({ err: error, folder }, 'the folder of an upload could not be removed');
    });
  };
  if (reply.raw.closed) remove();
  else reply.raw.once('close', remove);
};

/** To its end, also when it is over the limit. */
const readForm = async (request: FastifyRequest, form: Expected, folder: string): Promise<ReceivedFile | null> => {
  let received: ReceivedFile | null = null;
  let isTooLarge = false;
  try {
    for await (const part of request.parts()) {
      if (part.type !== 'file') continue;
      if (part.fieldname === form.field) received = await toDisk(part, join(folder, 'file'));
      else part.file.resume();
      isTooLarge ||= part.file.truncated;
    }
  } catch (error) {
    if (isSystemError(error)) throw unwritable(error);
    if (!(error instanceof Error)) throw error;
    if ('code' in error && error.code === 'FST_FILES_LIMIT') throw invalid([{ path: form.field, message: 'must be the only file' }]);
    throw new ApiError('VALIDATION_ERROR', `The form could not be read: ${reasonOf(error)}.`, {
      fields: [{ path: form.field, message: 'could not be read from the form' }],
      cause: error,
    });
  }
  if (isTooLarge) throw tooLarge(form);
  return received;
};

const toDisk = async ({ file, filename, mimetype }: MultipartFile, path: string): Promise<ReceivedFile> => {
  const sha = createHash('sha256');
  let size = 0;
  await pipeline(
    file,
    async function* (pieces: AsyncIterable<Buffer>) {
      for await (const piece of pieces) {
        sha.update(piece);
        size += piece.byteLength;
        yield piece;
      }
    },
    createWriteStream(path, { flags: 'wx', mode: 0o600 }),
  );
  return new ReceivedFile({ path, size, sha256: sha.digest('hex'), name: nameOf(filename), type: typeOf(mimetype) });
};

/** RFC 2045 §5.1; what a client writes for a file that it does not know is as good as nothing. */
const typeOf = (mimetype: string | undefined): string | null => {
  const type = mimetype?.toLowerCase() ?? '';
  return /^[a-z0-9!#$&^_.+-]{1,80}\/[a-z0-9!#$&^_.+-]{1,80}$/.test(type) && type !== 'application/octet-stream' ? type : null;
};

/** Printable, and short enough for every file system. */
const nameOf = (name: string | undefined): string | null => {
  const plain = (name ?? '')
    .toWellFormed()
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim();
  return [...plain].slice(0, 255).join('').trim() || null;
};

const tooLarge = ({ field, maxBytes, oversize }: Expected): ApiError => {
  const fault = { path: field, message: `must be at most ${maxBytes / MIB} MiB` };
  return oversize === 400 ? invalid([fault]) : new ApiError('CONTENT_TOO_LARGE', `${field} ${fault.message}.`, { fields: [fault] });
};

const reasonOf = (error: Error): string => {
  if ('code' in error && (error.code === 'FST_PARTS_LIMIT' || error.code === 'FST_FIELDS_LIMIT')) return 'it has too many fields';
  return 'it is not a whole multipart/form-data body (RFC 7578)';
};

const isSystemError = (error: unknown): boolean => error instanceof Error && 'syscall' in error && 'path' in error;
/** @throws ApiError 503 */
const unwritable = (cause: unknown): never => {
  throw new ApiError('SERVICE_UNAVAILABLE', 'The file cannot be taken in just now. Try again shortly.', {
    headers: { 'retry-after': '1' },
    cause,
  });
};
