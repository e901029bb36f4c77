/** Cursors of keyset pages: base64url of JSON without padding (chat-contract §1.2), opaque to callers. */
import { decode } from '@tidings/contracts/codec';
import type { Page } from '@tidings/contracts/http/chat-objects';
import * as E from 'fp-ts/lib/Either.js';
import type * as t from 'io-ts';
import { invalid } from '../../../http-kit/src/errors.ts';

export const encodeCursor = (place: object): string => Buffer.from(JSON.stringify(place)).toString('base64url');

/** @throws ApiError 400 for anything that this list did not give out */
export const decodeCursor = <A>(codec: t.Type<A, unknown>, cursor: string | undefined): A | null => {
  if (cursor === undefined || cursor === '') return null;
  const place = decode(codec, parsed(cursor));
  if (E.isRight(place)) return place.right;
  throw invalid([{ path: 'cursor', message: 'must be a cursor from an earlier page of this list' }]);
};

const parsed = (cursor: string): unknown => {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    return undefined; // the codec says what is wrong with it
  }
};

/** A page of `limit` out of `limit + 1` found: the one too many tells that there are more. */
export const pageOfFound = <Row, A>(
  found: readonly Row[],
  limit: number,
  cursorOf: (last: Row) => object,
  content: readonly A[],
): Page<A> => {
  const last = found.length > limit ? found[limit - 1] : undefined;
  const cursor = last === undefined ? null : encodeCursor(cursorOf(last));
  return { content: content.slice(0, limit), nextCursor: cursor, cursor };
};
