/** Whether all mail that was accepted is there. */
import { contentHash } from '@tidings/infra/mime/head';
import { expect } from 'vitest';
import type { Program } from '../kit/program.ts';
import type { Sample, Sent } from './mail-in-sender.ts';

/** Every accepted mail is in the user's mailbox byte for byte, or is the same mail as an accepted one that is. @param sent in the order of acceptance */
export const expectAllShown = async (program: Pick<Program, 'httpUrl' | 'token'>, user: string, sent: readonly Sent[]): Promise<void> => {
  const get = async (path: string): Promise<Response> =>
    fetch(`${program.httpUrl}${path}`, { headers: { authorization: `Bearer ${await program.token(user)}` } });
  const shown = new Set<string>();
  const hidden: Sent[] = [];
  // The last one accepted is filed last.
  await expect.poll(async () => (await get(`/api/emails/${sent.at(-1)?.emailId}`)).status, { timeout: 60_000, interval: 200 }).toBe(200);
  for (const one of sent) {
    const raw = await get(`/api/emails/${one.emailId}/raw`);
    if (raw.status === 404) {
      hidden.push(one);
      continue;
    }
    expect([one.name, raw.status, raw.headers.get('content-type')]).toEqual([one.name, 200, 'message/rfc822']);
    expect([one.name, Buffer.from(await raw.arrayBuffer()).equals(one.raw)]).toEqual([one.name, true]);
    shown.add(contentHash(one.raw));
  }
  expect(hidden.filter(({ raw }) => !shown.has(contentHash(raw))).map(({ name }) => name)).toEqual([]);
};

/** Unique, so that the mail sent last is never a repetition. */
export const marker = (n: number): Sample => ({
  name: `marker ${n}`,
  raw: Buffer.from(`From: last@example.org\r\nSubject: Marker ${n}\r\nMessage-ID: <marker-${n}@example.org>\r\n\r\nthe end\r\n`),
});
