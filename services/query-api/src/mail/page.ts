/** Pages of mail (mail-contract): `{content, cursor}`; the cursor is null on the last one. */
import type { MailPage } from '@tidings/contracts/http/mail-objects';
import { encodeCursor } from '../chat/cursor.ts';

/** A page of `limit` out of up to `limit + 1` found: the one too many tells that there are more. */
export const mailPage = <Row, A>(
  found: readonly Row[],
  limit: number,
  cursorOf: (last: Row) => object,
  content: readonly A[],
): MailPage<A> => {
  const last = found.length > limit ? found[limit - 1] : undefined;
  return { content: content.slice(0, limit), cursor: last === undefined ? null : encodeCursor(cursorOf(last)) };
};
