/** How each mail of the corpora reads: what `corpus.test.ts` compares, and `write-readings.ts` records. */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { ownMail, realMail, type Sample } from '../../../../tests/acceptance/mail-in-sender.ts';
import type { Mime } from '../mime.ts';

/** One line for each mail, reviewed. The mails themselves are not ours to keep. */
export const GOLDEN = new URL('../../../../tests/golden/mail.ndjson', import.meta.url);

/** `texts` is a hash of all that is shown of it. */
export interface Reading {
  readonly mail: string;
  readonly subject: string;
  readonly from: readonly string[];
  readonly sent: string | null;
  readonly text: readonly string[];
  readonly html: readonly string[];
  readonly attached: readonly string[];
  readonly texts: string;
  readonly fault: string | null;
}

const read = async (mime: Mime, mail: string, { raw }: Sample): Promise<Reading> => {
  const { content, details, bodies, fault } = await mime.parse(raw);
  const part = ({ partId, type, charset }: (typeof details.textBody)[number]): string => [partId, type, charset].filter(Boolean).join(' ');
  return {
    mail,
    subject: content.subject,
    from: content.from.map(({ name, email }) => (name === null ? email : `${name} <${email}>`)),
    sent: content.sentAt,
    text: details.textBody.map(part),
    html: details.htmlBody.map(part),
    attached: details.attachments.map(({ name, type, size }) => `${name ?? '-'} ${type} ${size}`),
    texts: createHash('sha256').update(JSON.stringify(bodies)).digest('hex').slice(0, 16),
    fault,
  };
};

export const readAll = (mime: Mime, named: readonly (readonly [string, Sample])[]): Promise<readonly Reading[]> =>
  Promise.all(named.map(([name, sample]) => read(mime, name, sample)));

const { folder, samples } = realMail();
export { folder };
export const own = ownMail().map((sample) => ['own/' + basename(sample.name), sample] as const);
export const real = samples.map((sample) => [sample.name.slice(folder.replace(/\/$/, '').length + 1), sample] as const);
