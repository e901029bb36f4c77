/** Notes as a caller sees them, with the names people have now. */
import type { Colleague, Comment, TimelineEntry } from '@tidings/contracts/http/notes';
import type { UserId } from '@tidings/contracts/ids';
import { namesOf, type ReadModels } from '../chat-view/reading.ts';
import type { NoteRow } from './queries.ts';

/** What these functions read, by projection name; for `settle` and `reads`. */
export const NOTE_READS = ['thread-notes', 'users'] as const;

/** In the order given. */
export const readNotes = async (models: ReadModels, notes: readonly NoteRow[]): Promise<readonly TimelineEntry[]> => {
  const colleague = await colleaguesOf(models, notes);
  return notes.map((note): TimelineEntry => {
    if (note.kind === 'comment') return { type: 'comment', comment: commentView(note, colleague) };
    if (note.kind === 'split') return { type: 'split', at: note.at, by: colleague(known(note.by)), into: known(note.otherThread) };
    if (note.kind === 'split-off') return { type: 'split-off', at: note.at, by: colleague(known(note.by)), from: known(note.otherThread) };
    return { type: note.kind, at: note.at, user: colleague(known(note.userId)), by: note.by === null ? null : colleague(note.by) };
  });
};

export const readComment = async (models: ReadModels, note: NoteRow): Promise<Comment> =>
  commentView(note, await colleaguesOf(models, [note]));

const colleaguesOf = async (models: ReadModels, notes: readonly NoteRow[]): Promise<(id: UserId) => Colleague> => {
  const people = notes.flatMap(({ by, userId, mentions }) => [by, userId, ...mentions]).filter((id) => id !== null);
  const nameOf = await namesOf(models, people);
  return (id) => ({ id, displayName: nameOf(id) });
};

const commentView = (note: NoteRow, colleague: (id: UserId) => Colleague): Comment => ({
  id: known(note.commentId),
  threadId: note.threadId,
  author: colleague(known(note.by)),
  content: note.content,
  mentions: note.mentions.map((id) => colleague(id)),
  createdAt: note.at,
  editedAt: note.editedAt,
});

/** Each kind of note has its columns (`index.ts`). */
const known = <A>(value: A | null): A => {
  if (value === null) throw new Error('a note lacks what its kind has');
  return value;
};
