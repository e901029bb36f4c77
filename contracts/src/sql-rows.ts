/**
 * Rows of read models, decoded by io-ts: `` sql.type(rows(RoomRow))`select …` ``. slonik takes schemas of the Standard Schema kind
 * (https://standardschema.dev); this makes one of a codec.
 */
import { isRight } from 'fp-ts/lib/Either.js';
import type * as t from 'io-ts';
import { decode } from './codec.ts';

export interface RowSchema<A> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: 'io-ts';
    readonly validate: (row: unknown) => { readonly value: A } | { readonly issues: readonly RowIssue[] };
    readonly types?: { readonly input: unknown; readonly output: A } | undefined;
  };
}
export interface RowIssue {
  readonly message: string;
  readonly path: readonly string[];
}

/** `bigint` columns come as numbers, `timestamptz` as canonical RFC 3339 text, `jsonb` parsed, so a codec of plain types fits. */
export const rows = <A>(codec: t.Decoder<unknown, A>): RowSchema<A> => ({
  '~standard': {
    version: 1,
    vendor: 'io-ts',
    validate: (row) => {
      const decoded = codec.decode(row);
      if (isRight(decoded)) return { value: decoded.right };
      const faults = decode(codec, row);
      return {
        issues: isRight(faults) ? [] : faults.left.map(({ path, message }) => ({ message: `${path}: ${message}`, path: path.split('.') })),
      };
    },
  },
});
