/** The little of a SQL connection that projections see; the runtime decides about pools and transactions. */
export interface SqlSession {
  /** Rows as objects. `bigint` columns come as numbers (they are below 2^53), `jsonb` parsed, `timestamptz` as RFC 3339 text. */
  query<Row extends object>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
}
