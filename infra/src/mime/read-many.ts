/** Mails read by the dozen, in a worker thread. All at once: while one waits for its streams the next is read. */
import { pack, type Packed, ready, type ReadyMails, unpack } from './many.ts';
import { readMail } from './read-mail.ts';

export const readMany = async (raws: Packed): Promise<ReadyMails> => {
  const all = await Promise.all(unpack(raws).map(async (raw) => ready(await readMail(raw))));
  return {
    mails: all.map(({ content, opening, contentHash, fault }) => ({ content, opening, contentHash, fault })),
    stored: pack(all.map(({ stored }) => stored)),
  };
};
