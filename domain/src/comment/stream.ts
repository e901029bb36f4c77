import type { CommentId, ThreadId } from '@tidings/contracts/ids';

export const category = 'comment';
/** Comments share the shard of their thread: the part before the dot decides. */
export const commentKey = (thread: ThreadId, comment: CommentId): string => `${thread}.${comment}`;
