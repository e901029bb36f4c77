/** Checks one mail and reads it as a message of a conversation, in a thread of `worker.ts`: while one waits for DNS the other goes on. */
import { readReply, type ReplyMail } from '../mime/read-reply.ts';
import type { Findings } from './verdict.ts';
import { check, type Task } from './worker.ts';

export interface CheckedReply {
  readonly findings: Findings;
  readonly reply: ReplyMail;
}

/** @param whole the mail where less than that is checked */
export const checkAndRead = async ({ whole, ...task }: Task & { readonly whole: Uint8Array | null }): Promise<CheckedReply> => {
  const [findings, reply] = await Promise.all([check(task), readReply(whole ?? task.raw)]);
  return { findings, reply };
};
