import { CommentDeleted, CommentEdited, CommentPosted } from '@tidings/contracts/events/comment';
import { eventOf } from '@tidings/contracts/events/definition';

export type { CommentEvent } from '@tidings/contracts/events/comment';
export const commentPosted = eventOf(CommentPosted);
export const commentEdited = eventOf(CommentEdited);
export const commentDeleted = eventOf(CommentDeleted);
