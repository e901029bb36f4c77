/** How column types come out of Postgres, the same for plain pg and for slonik: no value needs a second look. */
import { timestamp, type Timestamp } from '@tidings/contracts/time';
import pg from 'pg';

/** Our counters stay below 2^53. */
export const parseBigint = (value: string): number => Number(value);
export const parseTimestamptz = (value: string): Timestamp => timestamp(Date.parse(value));

/** `{1,NULL,3}`: one dimension, which is all we keep. */
const parseBigints = (value: string): readonly (number | null)[] =>
  value === '{}'
    ? []
    : value
        .slice(1, -1)
        .split(',')
        .map((item) => (item === 'NULL' ? null : Number(item)));

const { INT8, TIMESTAMPTZ } = pg.types.builtins;
/** Array types have no name in pg-types. */
const INT8_ARRAY = 1016;

const text = new Map<number, (value: string) => unknown>([
  [INT8, parseBigint],
  [TIMESTAMPTZ, parseTimestamptz],
  [INT8_ARRAY, parseBigints],
]);

/** pg's `types` option. */
export const columnTypes: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) => {
    if (format === 'binary') return pg.types.getTypeParser(oid, 'binary');
    return text.get(oid) ?? pg.types.getTypeParser(oid, 'text');
  },
};
