/** A query as it would be typed, in English: for clients that change one, and for tests. `parse.ts` reads it as the same query. */
import type { MailCondition, MailQuery } from './ast.ts';
import { printSize } from './size.ts';
import { printWhen } from './when.ts';

export const printMailQuery = (query: MailQuery): string => {
  if (query.kind === 'all') return query.of.map(printTied).join(' ');
  if (query.kind === 'any') return query.of.map(printAlone).join(' OR ');
  if (query.kind !== 'not') return printCondition(query);
  const negated = printAlone(query.query);
  // What begins with a dash itself, a negation or a word like `--help`, would read as one word of dashes.
  return negated.startsWith('-') ? `-(${negated})` : `-${negated}`;
};

/** Beside others that must match too: `OR` ties more closely. */
const printTied = (query: MailQuery): string => (query.kind === 'all' ? `(${printMailQuery(query)})` : printMailQuery(query));
const printAlone = (query: MailQuery): string =>
  query.kind === 'all' || query.kind === 'any' ? `(${printMailQuery(query)})` : printMailQuery(query);

const printCondition = (condition: MailCondition): string => {
  switch (condition.kind) {
    case 'text': {
      const { field, text, exact } = condition;
      return `${field === 'any' ? '' : `${field}:`}${exact ? `"${text}"` : text}`;
    }
    case 'person':
      return `${condition.role}:${inQuotes(condition.value)}`;
    case 'attachment':
      return 'has:attachment';
    case 'in':
      return `in:${condition.view}`;
    case 'label':
      return `label:${inQuotes(condition.name)}`;
    case 'is':
      return `is:${condition.state}`;
    case 'date':
      return `${condition.bound}:${printWhen(condition.when)}`;
    case 'size':
      return `${condition.bound}:${printSize(condition.bytes)}`;
  }
};

const inQuotes = (value: string): string => (/[\s()]/u.test(value) ? `"${value}"` : value);
