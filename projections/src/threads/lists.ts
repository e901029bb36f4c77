/**
 * The lists of a mailbox: per view one of its threads, and one of the marks on them. Each has an index in the order of lists, and in it the
 * unread and the read ones apart, so that a filter never walks past what it leaves out.
 */
import { type View, views } from '@tidings/contracts/http/mail-objects';
import { sql, type FragmentSqlToken } from 'slonik';

export interface List {
  /** Whether a row is in it; word for word the condition of its index. */
  readonly shown: FragmentSqlToken;
  /** Which stretch of it a row is in. */
  readonly unread: FragmentSqlToken;
}

/** For a mark's missing half. */
export const NONE = '00000000-0000-0000-0000-000000000000';

const main = sql.fragment`in_inbox + in_archive + in_sent + in_drafts > 0`;
const shownIn: Readonly<Record<View, FragmentSqlToken>> = {
  inbox: sql.fragment`in_inbox > 0`,
  all: main,
  starred: sql.fragment`starred and ${main}`,
  sent: sql.fragment`in_sent > 0`,
  drafts: sql.fragment`in_drafts > 0`,
  archive: sql.fragment`in_archive > 0 and in_inbox = 0`,
  spam: sql.fragment`in_spam > 0`,
  trash: sql.fragment`in_trash > 0`,
};

const unreadIn = (view: View): FragmentSqlToken => {
  if (view === 'spam') return sql.fragment`unread_spam > 0`;
  return view === 'trash' ? sql.fragment`unread_trash > 0` : sql.fragment`unread_main > 0`;
};

const byView = (list: (view: View, at: number) => List): Readonly<Record<View, List>> =>
  Object.fromEntries(views.map((view, at) => [view, list(view, at)])) as Record<View, List>; // every view is in `views`

/** Of `thread`; the conditions are those of `standing` in `fold.ts`. */
export const threadLists = byView((view) => ({ shown: shownIn[view], unread: unreadIn(view) }));

/** Of `mark`, whose `standing` has a letter per view. */
export const markLists = byView((_, at) => {
  const letter = sql.fragment`substr(standing, ${sql.literalValue(String(at + 1))}::int, 1)`;
  return { shown: sql.fragment`${letter} <> '-'`, unread: sql.fragment`${letter} = 'u'` };
});

/** The indexes of a table with these lists. @param of what a list is of, beside its order */
export const listIndexes = (table: string, of: string, lists: Readonly<Record<View, List>>): string =>
  views
    .map((view) => {
      const { shown, unread } = lists[view];
      return `create index on ${table} (${of}, (${unread.sql}), last_at, last_position) where ${shown.sql};`;
    })
    .join('\n');
