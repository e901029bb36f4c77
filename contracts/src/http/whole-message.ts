/** A body that is a whole mail (`message/rfc822`), as a mail program or a library composed it. */
import * as t from 'io-ts';
import { described } from '../json-schema.ts';

/** The codec of such a body. */
export class WholeMessage extends t.Type<Uint8Array> {
  readonly maxBytes: number;

  constructor(maxBytes: number) {
    super(
      'message/rfc822',
      (u): u is Uint8Array => u instanceof Uint8Array,
      (u, c) => (u instanceof Uint8Array && u.byteLength > 0 ? t.success(u) : t.failure(u, c, 'must be a whole message, and not empty')),
      t.identity,
    );
    this.maxBytes = maxBytes;
    described(this, { type: 'string', contentMediaType: 'message/rfc822' });
  }
}
