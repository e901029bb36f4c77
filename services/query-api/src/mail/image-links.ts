/**
 * Links to pictures from elsewhere that work in an `<img>`, which sends no token: whoever was shown the mail may fetch what it names, for a day.
 * A link names one picture and one mailbox, and opens nothing of ours.
 */
import { derivedId, type MailboxId, type SubjectId } from '@tidings/contracts/ids';
import type { SubjectKeys } from '@tidings/contracts/ports/subject-keys';
import { createHmac, timingSafeEqual } from 'node:crypto';

const DAY_S = 86_400;
/** Nobody's id: its key signs the links. All nodes have it, made once, kept like all other keys. */
const SIGNER = derivedId<SubjectId>('image-links');

export interface ImageLinks {
  /** Makes links for what a mailbox shows. */
  for(mailboxId: MailboxId): Promise<(url: string) => string>;
  isGood(link: { readonly mailboxId: string; readonly url: string; readonly until: string; readonly signature: string }): Promise<boolean>;
}

export const createImageLinks = ({ keys, now }: { readonly keys: SubjectKeys; readonly now: () => number }): ImageLinks => {
  const sign = async (): Promise<(mailboxId: string, url: string, until: string) => string> => {
    const key = (await keys.obtain([SIGNER])).get(SIGNER);
    if (key == null) throw new Error('the key of image links was destroyed');
    return (mailboxId, url, until) => createHmac('sha256', key).update(`${mailboxId} ${until} ${url}`).digest('base64url');
  };
  return {
    for: async (mailboxId) => {
      const signed = await sign();
      // The same for hours, so that a browser that has the picture does not ask for it again.
      const until = String(Math.ceil(now() / 1000 / DAY_S + 1) * DAY_S);
      return (url) => `/api/images?${new URLSearchParams({ mailboxId, until, signature: signed(mailboxId, url, until), url }).toString()}`;
    },
    isGood: async ({ mailboxId, url, until, signature }) => {
      if (!/^\d{1,12}$/.test(until) || Number(until) * 1000 < now()) return false;
      const wanted = Buffer.from((await sign())(mailboxId, url, until));
      const given = Buffer.from(signature);
      return wanted.length === given.length && timingSafeEqual(wanted, given);
    },
  };
};
