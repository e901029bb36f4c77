/** What runs in a worker thread (piscina calls these by name). */
import type { MailReport } from '../mail-report/report.ts';
import { readReport } from '../mail-report/read-report.ts';
import type { Packed, ReadyMails } from './many.ts';
import { readMail, type ParsedMail } from './read-mail.ts';
import { readMany } from './read-many.ts';
import { readReply, type ReplyMail } from './read-reply.ts';
import { readPart } from './part.ts';

/** That the thread is there. */
export const start = (): void => undefined;
export const parse = (raw: Uint8Array): Promise<ParsedMail> => readMail(raw);
export const parseMany = (raws: Packed): Promise<ReadyMails> => readMany(raws);
export const reply = (raw: Uint8Array): Promise<ReplyMail> => readReply(raw);
export const part = ({ raw, partId }: { readonly raw: Uint8Array; readonly partId: string }): Promise<Uint8Array | null> =>
  readPart(raw, partId);
export const report = (raw: Uint8Array): Promise<MailReport | null> => readReport(raw);
