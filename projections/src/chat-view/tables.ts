/** Names of tables in slonik queries. */
import { sql, type IdentifierSqlToken } from 'slonik';

/** `schema` comes quoted from `LiveSchema`; slonik quotes for itself. */
export const tableIn = (schema: string, table: string): IdentifierSqlToken =>
  sql.identifier([schema.replace(/^"(.*)"$/, '$1').replaceAll('""', '"'), table]);
