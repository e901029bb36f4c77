/** How column types come out of Postgres, the same for plain pg and for slonik: no value needs a second look. */
import { timestamp, type Timestamp } from '@tidings/contracts/time';
import pg from 'pg';

/** Our counters stay below 2^53. */
export const parseBigint = (value: string): number => Number(value);
export const parseTimestamptz = (value: string): Timestamp => timestamp(Date.parse(value));

const { INT8, TIMESTAMPTZ } = pg.types.builtins;
/** Array types have no name in pg-types. */
const INT8_ARRAY = 1016;
const INT4_ARRAY: number = 1007;

const text = new Map<number, (value: string) => unknown>([
  [INT8, parseBigint],
  [TIMESTAMPTZ, parseTimestamptz],
  // Its number parser is the same for both widths.
  [INT8_ARRAY, pg.types.getTypeParser(INT4_ARRAY, 'text')],
]);

/** pg's `types` option. */
export const columnTypes: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) => {
    if (format === 'binary') return pg.types.getTypeParser(oid, 'binary');
    return text.get(Number(oid)) ?? pg.types.getTypeParser(oid, 'text');
  },
};
