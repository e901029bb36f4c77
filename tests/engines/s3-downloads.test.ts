/** The whole program with its bytes in S3, which hands the large ones out itself: who may read is sent there, all others hear what they always heard. */
import { randomBytes } from 'node:crypto';
import { createClient } from '@tidings/contracts/client/client';
import type { ChatRoom, Message } from '@tidings/contracts/http/chat-objects';
import type { Email, Me } from '@tidings/contracts/http/mail-objects';
import type { Media } from '@tidings/contracts/http/media';
import { S3Bucket } from '@tidings/infra/blobs/s3-bucket';
import { postgresSubjectKeys } from '@tidings/infra/subject-keys/postgres';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type MailClient, type MailTown, missing, openMailTown } from '../acceptance/mail-kit.ts';
import { type FileLink, openSignedLinks } from '../../services/platform/src/gateway/signed-links.ts';
import { s3Lacks, startS3, type S3Server } from '../kit/s3.ts';
import { onlookerPool } from '../kit/databases.ts';

const lack = await s3Lacks();
const LARGE = 3_000_000;

describe.skipIf(lack !== null)(`downloads from S3${lack === null ? '' : ` (${lack})`}`, () => {
  let server: S3Server;
  let bucket: S3Bucket;
  let origin: string;
  let town: MailTown<'ann' | 'ben' | 'eve'>;
  beforeAll(async () => {
    server = await startS3();
    const place = server.place('tidings');
    origin = (place.endpoint ?? '').replace('127.0.0.1', 'localhost'); // another name than the program has for it
    bucket = new S3Bucket(place);
    town = await openMailTown(['ann', 'ben', 'eve'], {
      ...server.env('tidings'),
      ...{ S3_DOWNLOAD_URL: origin, S3_DOWNLOAD_SECONDS: '60', LOG_LEVEL: 'warn', RATE_LIMITS: 'off' },
    });
  }, 600_000); // the first run builds the server
  afterAll(async () => {
    await town.close();
    bucket.close();
    await server.stop();
  });

  const get = (client: MailClient | null, path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> =>
    fetch(`${town.program.httpUrl}${path}`, {
      ...{ method, redirect: 'manual' },
      headers: { ...(client === null ? {} : { authorization: `Bearer ${client.token}` }), ...headers },
    });
  /** Until then it comes from the program: what is linked to is made behind the first answers. */
  const linkFor = (client: MailClient | null, path: string): Promise<URL> =>
    vi.waitFor(
      async () => {
        const response = await get(client, path);
        await response.arrayBuffer();
        expect([response.status, response.headers.get('cache-control')]).toEqual([302, 'no-store']);
        const link = new URL(response.headers.get('location') ?? '');
        expect(link.origin).toBe(origin);
        return link;
      },
      { timeout: 20_000, interval: 50 },
    );
  const bytesOf = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer());
  const mailedPath = async (file: FileLink): Promise<string> => {
    const pool = onlookerPool(town.program.databaseUrl, 1);
    try {
      return (await openSignedLinks(postgresSubjectKeys({ pool }))).filePath(file);
    } finally {
      await pool.end();
    }
  };
  const copies = async (): Promise<readonly string[]> => {
    const keys: string[] = [];
    for await (const page of bucket.list('plain/')) keys.push(...page.map(({ key }) => key));
    return keys;
  };
  const noise = randomBytes(LARGE);
  const mailWith = (to: string, filename = 'noise.pdf'): Promise<Email> =>
    town.send('ann', {
      to,
      subject: 'Large',
      text: 'Dear Ann',
      attachments: [{ filename, content: noise, contentType: 'application/pdf' }],
    });
  const form = (field: string, name: string): FormData => {
    const body = new FormData();
    body.append(field, new Blob([noise], { type: 'application/pdf' }), name);
    return body;
  };

  it('sends readers of mails and attachments there, and of small ones not', async () => {
    const { ann, eve } = town.as;
    const email = await mailWith('ann@tidings.test', 'Übersicht.pdf');
    const raw = `/api/emails/${email.id}/raw`;
    const first = await get(ann, raw);
    const whole = await bytesOf(first);
    expect([first.status, first.headers.get('content-type'), whole.byteLength]).toEqual([200, 'message/rfc822', email.size]);

    const link = await linkFor(ann, raw);
    const there = await fetch(link);
    expect([there.headers.get('content-type'), there.headers.get('content-disposition')]).toEqual([
      'message/rfc822',
      first.headers.get('content-disposition'),
    ]);
    expect((await bytesOf(there)).equals(whole)).toBe(true);
    // With its token, which goes no further than the program.
    const followed = await fetch(`${town.program.httpUrl}${raw}`, {
      headers: { authorization: `Bearer ${ann.token}`, range: 'bytes=100-199' },
    });
    expect([followed.status, followed.redirected]).toEqual([206, true]);
    expect(await bytesOf(followed)).toEqual(whole.subarray(100, 200));
    const client = createClient({ baseUrl: town.program.httpUrl, token: () => ann.token });
    expect((await bytesOf(await client.getRawEmail({ params: { emailId: email.id } }))).equals(whole)).toBe(true);
    const head = await get(ann, raw, {}, 'HEAD');
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(whole.byteLength)]);

    const partId = email.attachments[0]?.partId ?? '';
    const part = await fetch(await linkFor(ann, `/api/emails/${email.id}/parts/${partId}`));
    expect([part.headers.get('content-type'), part.headers.get('content-disposition')]).toEqual([
      'application/pdf',
      `attachment; filename="_bersicht.pdf"; filename*=UTF-8''%C3%9Cbersicht.pdf`,
    ]);
    expect((await bytesOf(part)).equals(noise)).toBe(true);

    for (const path of [raw, `/api/emails/${email.id}/parts/${partId}`]) {
      expect(await eve.refused('GET', path)).toEqual(missing);
      expect((await get(null, path)).status).toBe(401);
    }
    const small = await town.send('ann', { to: 'ann@tidings.test', subject: 'Small', text: 'Dear Ann' });
    for (let n = 0; n < 3; n += 1) expect((await get(ann, `/api/emails/${small.id}/raw`)).status).toBe(200);
  });

  it('sends readers of files for drafts there', async () => {
    const { ann, eve } = town.as;
    const mailboxId = (await ann.ask<Me>('GET', '/api/me')).mailboxes[0]?.id;
    const uploaded = await fetch(`${town.program.httpUrl}/api/blobs?mailboxId=${mailboxId}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ann.token}` },
      body: form('file', 'noise.html'),
    });
    expect(uploaded.status).toBe(200);
    const { blobId } = (await uploaded.json()) as { readonly blobId: string }; // the contract of the route
    const there = await fetch(await linkFor(ann, `/api/blobs/${blobId}`));
    expect((await bytesOf(there)).equals(noise)).toBe(true);
    expect(there.headers.get('content-disposition')).toContain('attachment; filename="noise.html"');
    expect(await eve.refused('GET', `/api/blobs/${blobId}`)).toEqual(missing);
  });

  it('sends readers of files in chat there, but for what the program knows better', async () => {
    const { ann, ben, eve } = town.as;
    const client = createClient({ baseUrl: town.program.httpUrl, token: () => ann.token });
    const media: Media = await client.uploadMedia({ body: form('file', 'film.mp4') });
    const group = { roomType: 'Group', roomName: 'Films', invitedUsers: [ann.id, ben.id] };
    const room = await ann.ask<ChatRoom>('POST', '/api/rooms/create-room', group);
    const { mediaId, mediaUrl, mediaType, mimeType } = media;
    const said = { chatRoomId: room.id, msgBody: { mediaUrl, mediaType, mimeType } };
    const { messageId } = await ann.ask<Message>('POST', '/api/send-msg', said);
    const path = mediaUrl;
    await vi.waitFor(async () => expect((await get(ben, path, {}, 'HEAD')).status).toBe(200), { timeout: 20_000 });
    const link = await linkFor(ben, path);
    expect((await bytesOf(await fetch(link))).equals(noise)).toBe(true);

    const { headers } = await get(ben, path, {}, 'HEAD');
    const etag = headers.get('etag') ?? '';
    expect((await get(ben, path, { 'if-none-match': etag })).status).toBe(304);
    expect((await get(ben, path, { range: `bytes=${LARGE}-` })).status).toBe(416);
    const goesOn = await get(ben, path, { range: 'bytes=10-19', 'if-range': etag });
    expect([goesOn.status, await bytesOf(goesOn)]).toEqual([206, noise.subarray(10, 20)]);
    expect(await eve.refused('GET', path)).toEqual(missing);

    // The link of the mail that tells of the message, which needs no token.
    const inMail = await mailedPath({ roomId: room.id, messageId, mediaId, until: Date.now() + 60_000 });
    const saved = await fetch(await linkFor(null, inMail));
    expect(saved.headers.get('content-disposition')).toContain('attachment; filename="film.mp4"');
    expect((await bytesOf(saved)).equals(noise)).toBe(true);
    expect((await get(null, await mailedPath({ roomId: room.id, messageId, mediaId, until: Date.now() - 1 }))).status).toBe(404);

    await ben.ask('POST', `/api/rooms/${room.id}/leave`);
    await vi.waitFor(async () => expect(await ben.refused('GET', path)).toEqual(missing), { timeout: 20_000 });
  });

  it('gives no link to what is erased, and nothing where one led', async () => {
    const { ann, ben } = town.as;
    const mailbox = (await ann.ask<Me>('GET', '/api/me')).mailboxes[0]?.id ?? '';
    await ann.ask('PUT', `/api/mailboxes/${mailbox}/members/${ben.id}`, { role: 'viewer' });
    const email = await mailWith('ann@tidings.test');
    const raw = `/api/emails/${email.id}/raw`;
    const link = await linkFor(ben, raw);
    await ann.ask('DELETE', `/api/mailboxes/${mailbox}/members/${ben.id}`);
    expect(await ben.refused('GET', raw)).toEqual(missing);
    await linkFor(ann, raw);
    expect((await fetch(link, { headers: { range: 'bytes=0-0' } })).status).toBe(206); // whoever has it, for as long as it works
    await town.admin.ask('DELETE', `/api/admin/users/${ann.id}`);
    expect((await get(ann, raw)).status).toBe(403); // the token is of nobody now
    await vi.waitFor(async () => expect((await fetch(link)).status).toBe(404), { timeout: 30_000, interval: 100 });
    const id = /plain\/([0-9a-f]{64})/.exec(link.pathname)?.[1] ?? '';
    expect((await copies()).filter((key) => key.includes(id))).toEqual([]);
  });
});
