/** Answers with stored bytes, or with that part of them that is asked for (RFC 9110 §13, §14). */
import type { BlobId } from '@tidings/contracts/ids';
import type { BlobStore, ByteRange } from '@tidings/contracts/ports/blob-store';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Bytes, bytes } from '../../../http-kit/src/ctx.ts';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { elsewhere } from '../elsewhere.ts';

export interface Stored {
  readonly blobId: BlobId;
  readonly mimeType: string;
  readonly size: number;
  /** What it is saved as; null: it is shown, and never sent from elsewhere. */
  readonly name: string | null;
}

/** @throws ApiError 416 for a range that lies outside */
export const sendStored = async (
  blobs: BlobStore,
  request: FastifyRequest,
  reply: FastifyReply,
  { blobId, mimeType, size, name }: Stored,
): Promise<Bytes> => {
  const etag = `"${blobId}"`;
  void reply.headers({ etag, 'accept-ranges': 'bytes' });
  if (matches(request.headers['if-none-match'], etag)) {
    void reply.code(304);
    return bytes('', mimeType);
  }
  const asked = request.headers['if-range'];
  const range = asked === undefined || asked === etag ? rangeOf(request.headers.range, size) : null;
  // Who goes on with what came from here is not sent elsewhere, where the same bytes have another tag.
  const redirect =
    name === null || asked === etag ? null : await elsewhere(blobs, request, reply, { id: blobId, size, name, type: mimeType });
  if (redirect !== null) return redirect;
  if (range === null) {
    void reply.header('content-length', String(size));
    return bytes(await blobs.get(blobId), mimeType);
  }
  void reply.code(206).headers({
    'content-range': `bytes ${range.start}-${range.end}/${size}`,
    'content-length': String(range.end - range.start + 1),
  });
  return bytes(await blobs.get(blobId, range), mimeType);
};

/** Weak comparison (§13.1.2); our own tags have no commas. */
const matches = (condition: string | undefined, etag: string): boolean =>
  condition !== undefined && (condition.trim() === '*' || condition.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag));

/** One range of bytes; null when the whole is to be sent: for none, several, and what is no range (§14.2 allows to pass over them). */
const rangeOf = (header: string | undefined, size: number): ByteRange | null => {
  const [matched, from = '', to = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '') ?? [];
  if (matched === undefined || (from === '' && to === '')) return null;
  const start = from === '' ? Math.max(size - Number(to), 0) : Number(from);
  const end = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (from !== '' && to !== '' && Number(to) < start) return null;
  if (start <= end) return { start, end };
  throw new ApiError('RANGE_NOT_SATISFIABLE', `The file has ${size} bytes.`, { headers: { 'content-range': `bytes */${size}` } });
};
