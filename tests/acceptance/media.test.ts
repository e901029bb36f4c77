/** Files and pictures of the running program: what is kept of them, who gets them, and what hostile ones cost. */
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import type { ChatRoom, Message } from '@tidings/contracts/http/chat-objects';
import { MAX_MEDIA_BYTES, MAX_ROOM_IMAGE_BYTES, type Media, type Upload } from '@tidings/contracts/http/media';
import type { Problem } from '@tidings/contracts/http/problem';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ReachableProgram } from '../kit/program-holder.ts';
import { joinTown } from './shared-town.ts';
import { ask, askJson, type Person, uuidOf } from './town.ts';

let program: ReachableProgram;
let ada: Person;
let bob: Person;
let cyd: Person;
let dan: Person;

beforeAll(async () => {
  const town = await joinTown('Painter', 4);
  ({ program } = town);
  [ada, bob, cyd, dan] = town.people as readonly [Person, Person, Person, Person] as [Person, Person, Person, Person];
  for (const person of town.people) await askJson(program, person, '/api/me');
});

const upload = (
  person: Person | null,
  path: string,
  field: string,
  content: Uint8Array,
  { name = 'file', headers = {} }: { readonly name?: string; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<Response> => {
  const form = new FormData();
  form.append(field, new Blob([new Uint8Array(content)]), name);
  return fetch(new URL(path, program.httpUrl), {
    method: 'POST',
    headers: { ...(person === null ? {} : { authorization: `Bearer ${person.token}` }), ...headers },
    body: form,
  });
};
const keep = async (person: Person, content: Uint8Array, name?: string): Promise<Media> => {
  const response = await upload(person, '/api/media', 'file', content, name === undefined ? {} : { name });
  if (response.status !== 200) throw new Error(`the upload answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Media; // the contract of the route
};
const room = (by: Person, others: readonly Person[], roomType: 'Single' | 'Group' = 'Group'): Promise<ChatRoom> =>
  askJson<ChatRoom>(program, by, '/api/rooms/create-room', {
    body: { roomType, roomName: null, invitedUsers: [by.id, ...others.map(({ id }) => id)] },
  });
const show = (by: Person, { id }: ChatRoom, { mediaUrl, mediaType, mimeType }: Media): Promise<Message> =>
  askJson<Message>(program, by, '/api/send-msg', { body: { chatRoomId: id, msgBody: { mediaUrl, mediaType, mimeType } } });
const statusFor = async (person: Person, path: string): Promise<number> => {
  const response = await ask(program, person, path);
  await response.arrayBuffer();
  return response.status;
};
const bytesOf = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer());
/** Of a refusal, without what differs from one to the next. */
const refusal = async (response: Response): Promise<Problem> => {
  const { timestamp: _, traceId: __, ...rest } = (await response.json()) as Problem; // the one error body
  return rest as Problem;
};

const GPS = { IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '51/1 30/1 0/1', GPSLongitudeRef: 'W', GPSLongitude: '0/1 7/1 0/1' } };
/** As a telephone gives it: lying on its side, with the place where it was taken. */
const photograph = (width = 64, height = 48): Promise<Buffer> =>
  sharp({ create: { width, height, channels: 3, background: '#2060a0' } })
    .withExif(GPS)
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer();
/** 200 million pixels in a file of some kilobytes. */
const bomb = (): Promise<Buffer> =>
  sharp({ create: { width: 15_000, height: 14_000, channels: 3, background: '#000000' }, limitInputPixels: false })
    .toColourspace('b-w')
    .png({ compressionLevel: 9 })
    .toBuffer();

describe('a file', () => {
  it('is kept, shown in a room and fetched by its members, byte for byte', async () => {
    const content = Buffer.concat([Buffer.from('%PDF-1.7\n'), randomBytes(700_000)]);
    const media = await keep(ada, content, 'Grüße 🧮.pdf');
    expect(media).toEqual({
      mediaId: expect.any(String),
      mediaUrl: `/api/media/${media.mediaId}`,
      mediaType: 'FILE',
      mimeType: 'application/pdf',
      size: content.length,
      width: null,
      height: null,
    });
    const message = await show(ada, await room(ada, [bob]), media);
    expect(message.msgBody).toMatchObject({ mediaUrl: media.mediaUrl, mediaType: 'FILE', mimeType: 'application/pdf' });
    const fetched = await ask(program, bob, media.mediaUrl);
    expect([fetched.status, fetched.headers.get('content-type'), fetched.headers.get('content-length')]).toEqual([
      200,
      'application/pdf',
      String(content.length),
    ]);
    expect(fetched.headers.get('content-disposition')).toBe(
      `attachment; filename="Gr__e __.pdf"; filename*=UTF-8''Gr%C3%BC%C3%9Fe%20%F0%9F%A7%AE.pdf`,
    );
    expect((await bytesOf(fetched)).equals(content)).toBe(true);
  });

  it('that is a page is text to be saved, never a page of ours', async () => {
    const { mediaUrl, mimeType } = await keep(ada, Buffer.from('<!doctype html><script>alert(document.cookie)</script>'), 'a.html');
    expect(mimeType).toBe('text/plain');
    const { headers } = await ask(program, ada, mediaUrl);
    expect(headers.get('content-disposition')).toMatch(/^attachment; filename="a\.html"/);
    expect([headers.get('content-type'), headers.get('x-content-type-options')]).toEqual(['text/plain; charset=utf-8', 'nosniff']);
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
  });

  it('counts once under one Idempotency-Key', async () => {
    const send = (content: string) =>
      upload(ada, '/api/media', 'file', Buffer.from(content), { headers: { 'idempotency-key': 'media-1' } });
    const first = (await (await send('one')).json()) as Media;
    expect(await (await send('one')).json()).toEqual(first);
    expect((await send('two')).status).toBe(422);
  });

  it('is fetched in parts, and not again when it is the same', async () => {
    const content = randomBytes(600_000);
    const { mediaUrl } = await keep(ada, content);
    const get = (headers: Record<string, string>, method = 'GET') => ask(program, ada, mediaUrl, { method, headers });
    for (const [range, start, end] of [
      ['bytes=0-0', 0, 0],
      ['bytes=262143-262144', 262_143, 262_144],
      ['bytes=599000-', 599_000, 599_999],
      ['bytes=-5', 599_995, 599_999],
      ['bytes=1-9999999', 1, 599_999],
    ] as const) {
      const part = await get({ range });
      expect([part.status, part.headers.get('content-range'), part.headers.get('content-length')]).toEqual([
        206,
        `bytes ${start}-${end}/600000`,
        String(end - start + 1),
      ]);
      expect((await bytesOf(part)).equals(content.subarray(start, end + 1)), range).toBe(true);
    }
    const outside = await get({ range: 'bytes=600000-' });
    expect([outside.status, outside.headers.get('content-range'), (await refusal(outside)).errorCode]).toEqual([
      416,
      'bytes */600000',
      'RANGE_NOT_SATISFIABLE',
    ]);
    for (const range of ['bytes=0-1,5-6', 'bytes=5-1', 'lines=0-1', 'bytes=-']) {
      const whole = await get({ range });
      expect([whole.status, (await bytesOf(whole)).length], range).toEqual([200, 600_000]);
    }
    const whole = await get({}, 'HEAD');
    const etag = whole.headers.get('etag') ?? '';
    expect([whole.status, whole.headers.get('content-length'), whole.headers.get('accept-ranges')]).toEqual([200, '600000', 'bytes']);
    for (const tag of [etag, `"x", W/${etag}`, '*']) {
      const same = await get({ 'if-none-match': tag });
      expect([same.status, (await bytesOf(same)).length, same.headers.get('etag')]).toEqual([304, 0, etag]);
    }
    expect((await get({ 'if-none-match': '"x"' })).status).toBe(200);
    expect((await get({ range: 'bytes=0-9', 'if-range': etag })).status).toBe(206);
    expect((await get({ range: 'bytes=0-9', 'if-range': '"x"' })).status).toBe(200);
  });

  it('of more is refused, announced or not', async () => {
    const announced = await upload(ada, '/api/media', 'file', Buffer.alloc(MAX_MEDIA_BYTES + 200_000, 1));
    expect([announced.status, await refusal(announced)]).toEqual([413, expect.objectContaining({ errorCode: 'CONTENT_TOO_LARGE' })]);
    const edge = 'edge-of-the-form';
    const head = `--${edge}\r\nContent-Disposition: form-data; name="file"; filename="long"\r\n\r\n`;
    const pieces = Readable.from(
      (function* () {
        yield Buffer.from(head);
        for (let sent = 0; sent <= MAX_MEDIA_BYTES; sent += 1 << 20) yield Buffer.alloc(1 << 20, 1);
        yield Buffer.from(`\r\n--${edge}--\r\n`);
      })(),
    );
    const streamed = await fetch(new URL('/api/media', program.httpUrl), {
      method: 'POST',
      headers: { authorization: `Bearer ${ada.token}`, 'content-type': `multipart/form-data; boundary=${edge}` },
      body: Readable.toWeb(pieces),
      duplex: 'half',
    });
    expect([streamed.status, (await refusal(streamed)).errors]).toEqual([413, [{ path: 'file', message: 'must be at most 25 MiB' }]]);
  });

  it('must be a file in a form', async () => {
    const missing = await upload(ada, '/api/media', 'image', Buffer.from('x'));
    expect([missing.status, (await refusal(missing)).errors?.[0]?.path]).toEqual([400, 'file']);
    expect((await ask(program, ada, '/api/media', { body: { file: 'x' } })).status).toBe(415);
    expect((await upload(null, '/api/media', 'file', Buffer.from('x'))).status).toBe(401);
  });
});

describe('a photograph', () => {
  it('loses the place where it was taken, and stands upright', async () => {
    const taken = await photograph();
    expect((await sharp(taken).metadata()).exif?.length).toBeGreaterThan(100);
    const media = await keep(ada, taken, 'IMG_0001.JPG');
    expect(media).toMatchObject({ mediaType: 'IMAGE', mimeType: 'image/jpeg', width: 48, height: 64 });
    const response = await ask(program, ada, media.mediaUrl);
    expect(response.headers.get('content-disposition')).toMatch(/^inline; filename="IMG_0001\.JPG"/);
    const shown = await bytesOf(response);
    expect(shown.length).toBe(media.size);
    const facts = await sharp(shown).metadata();
    expect([facts.width, facts.height, facts.exif, facts.orientation, facts.xmp, facts.icc]).toEqual([
      48,
      64,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(shown.includes('Exif')).toBe(false);
  });

  it('is refused when it is a bomb, broken, or cannot be cleaned; the rest goes on', async () => {
    const whole = await photograph(400, 300);
    const heic = Buffer.from('\u0000\u0000\u0000\u0018ftypheic\u0000\u0000\u0000\u0000mif1heic');
    const cases = [
      [await bomb(), 'must have at most 50 million pixels, all frames together'],
      [whole.subarray(0, whole.length - 500), 'cannot be decoded as a picture'],
      [heic, 'is image/heic, whose hidden data cannot be removed: send JPEG, PNG, WebP, GIF or AVIF'],
    ] as const;
    const calm = keep(bob, Buffer.from('a note meanwhile'));
    for (const [content, message] of cases) {
      const refused = await upload(ada, '/api/media', 'file', content);
      expect([refused.status, (await refusal(refused)).errors]).toEqual([400, [{ path: 'file', message }]]);
    }
    expect((await calm).mimeType).toBe('text/plain');
  });
});

describe('who may fetch a file', () => {
  it('is nobody beside its uploader, until it is shown; a foreign one looks like none', async () => {
    const { mediaUrl } = await keep(ada, Buffer.from('private'));
    const foreign = await ask(program, bob, mediaUrl);
    const unknown = await ask(program, bob, `/api/media/${uuidOf('no such file')}`);
    expect(await refusal(foreign)).toEqual(await refusal(unknown));
    expect([foreign.status, unknown.status]).toEqual([404, 404]);
    expect((await ask(program, null, mediaUrl)).status).toBe(401);
  });

  it('ends with membership, and with a block in a group', async () => {
    const media = await keep(ada, Buffer.from('for the group'));
    const group = await room(ada, [bob, cyd]);
    await show(ada, group, media);
    expect(await Promise.all([bob, cyd, dan].map((person) => statusFor(person, media.mediaUrl)))).toEqual([200, 200, 404]);
    await askJson(program, cyd, `/api/rooms/${group.id}/leave`, { method: 'POST' });
    await askJson(program, bob, `/api/users/ignore/${ada.id}`, { method: 'POST' });
    expect(await Promise.all([ada, bob, cyd].map((person) => statusFor(person, media.mediaUrl)))).toEqual([200, 404, 404]);
    await askJson(program, bob, `/api/users/ignore/${ada.id}`, { method: 'DELETE' });
    await askJson(program, ada, `/api/rooms/${group.id}/invite/${dan.id}`, { method: 'POST' });
    expect(await Promise.all([bob, dan].map((person) => statusFor(person, media.mediaUrl)))).toEqual([200, 200]);
  });

  it('ends for all but its uploader as a group closes behind its last member', async () => {
    const media = await keep(ada, Buffer.from('for a short while'));
    const group = await room(ada, [bob]);
    await show(ada, group, media);
    expect(await statusFor(bob, media.mediaUrl)).toBe(200);
    for (const person of [ada, bob]) await askJson(program, person, `/api/rooms/${group.id}/leave`, { method: 'POST' });
    expect(await Promise.all([ada, bob].map((person) => statusFor(person, media.mediaUrl)))).toEqual([200, 404]);
  });

  it('does not grow by a message of one who guessed its address', async () => {
    const media = await keep(ada, Buffer.from('nobody else’s'));
    const group = await room(bob, [cyd]);
    await show(bob, group, media);
    expect(await Promise.all([bob, cyd].map((person) => statusFor(person, media.mediaUrl)))).toEqual([404, 404]);
  });

  it('is not who came back to a private room later', async () => {
    const pair = await room(cyd, [dan], 'Single');
    const media = await keep(cyd, Buffer.from('before'));
    await show(cyd, pair, media);
    expect(await statusFor(dan, media.mediaUrl)).toBe(200);
    await askJson(program, dan, `/api/rooms/${pair.id}/leave`, { method: 'POST' });
    await room(dan, [cyd], 'Single');
    expect(await statusFor(dan, media.mediaUrl)).toBe(404);
    await show(cyd, pair, media);
    expect(await statusFor(dan, media.mediaUrl)).toBe(200);
  });
});

describe('the picture of a room', () => {
  const uploadTo = (person: Person, roomId: string, content: Uint8Array, headers: Readonly<Record<string, string>> = {}) =>
    upload(person, `/api/rooms/${roomId}/upload-img`, 'image', content, { name: 'r.png', headers });
  const plain = (width: number, height: number): Promise<Buffer> =>
    sharp({ create: { width, height, channels: 3, background: '#108040' } })
      .png()
      .toBuffer();

  it('is a JPEG of 500×500 cut from the middle, for members only', async () => {
    const { id } = await room(ada, [bob]);
    expect(await statusFor(ada, `/api/rooms/${id}/image`)).toBe(404);
    const answer = await uploadTo(bob, id, await plain(800, 600));
    expect([answer.status, (await answer.json()) as Upload]).toEqual([
      200,
      { imageUrl: `room-images/${id}`, imageName: `room-images/${id}.jpeg` },
    ]);
    const picture = await ask(program, ada, `/api/rooms/${id}/image`);
    expect([picture.status, picture.headers.get('content-type')]).toEqual([200, 'image/jpeg']);
    expect(await sharp(await bytesOf(picture)).metadata()).toMatchObject({ format: 'jpeg', width: 500, height: 500 });
    const etag = picture.headers.get('etag') ?? '';
    expect((await ask(program, ada, `/api/rooms/${id}/image`, { headers: { 'if-none-match': etag } })).status).toBe(304);
    const { roomImageUrl } = await askJson<ChatRoom>(program, ada, `/api/rooms/${id}`);
    expect(roomImageUrl).toBe(`/api/rooms/${id}/image?v=${etag.slice(1, 17)}`);
    const versioned = await ask(program, ada, roomImageUrl ?? '');
    expect([versioned.headers.get('cache-control'), picture.headers.get('cache-control')]).toEqual([
      'private, max-age=31536000, immutable',
      'private, no-cache',
    ]);
    const foreign = await refusal(await ask(program, cyd, `/api/rooms/${id}/image`));
    expect(foreign).toEqual(await refusal(await ask(program, cyd, `/api/rooms/${uuidOf('no such room')}/image`)));
    expect(foreign.status).toBe(404);
  });

  it('stays whole when it is small, and is replaced by the next', async () => {
    const { id } = await room(ada, [bob]);
    const etags = new Set<string | null>();
    for (const [width, height] of [
      [120, 90],
      [499, 700],
    ] as const) {
      expect((await uploadTo(ada, id, await plain(width, height))).status).toBe(200);
      const picture = await ask(program, bob, `/api/rooms/${id}/image`);
      etags.add(picture.headers.get('etag'));
      expect(await sharp(await bytesOf(picture)).metadata()).toMatchObject({ format: 'jpeg', width, height });
    }
    expect(etags.size).toBe(2);
  });

  it('loses where and how it was taken, small or large', async () => {
    const { id } = await room(ada, [bob]);
    for (const [width, height] of [
      [64, 48],
      [900, 700],
    ] as const) {
      expect((await uploadTo(ada, id, await photograph(width, height))).status).toBe(200);
      const shown = await sharp(await bytesOf(await ask(program, bob, `/api/rooms/${id}/image`))).metadata();
      expect([shown.exif, shown.xmp, shown.icc, shown.orientation]).toEqual([undefined, undefined, undefined, undefined]);
      expect([shown.width, shown.height], 'upright').toEqual(width === 64 ? [48, 64] : [500, 500]);
    }
  });

  it('is not set back by a late retry', async () => {
    const { id } = await room(ada, [bob]);
    const [first, second] = [await plain(50, 50), await plain(60, 60)];
    const key = { 'idempotency-key': 'picture-1' };
    expect((await uploadTo(ada, id, first, key)).status).toBe(200);
    expect((await uploadTo(ada, id, second)).status).toBe(200);
    expect((await uploadTo(ada, id, first, key)).status).toBe(200);
    expect(await sharp(await bytesOf(await ask(program, ada, `/api/rooms/${id}/image`))).metadata()).toMatchObject({ width: 60 });
    expect((await uploadTo(ada, id, second, key)).status).toBe(422);
  });

  it('is nothing for strangers, private rooms, and what is no picture', async () => {
    const { id } = await room(ada, [bob]);
    const pair = await room(ada, [bob], 'Single');
    const good = await plain(20, 20);
    const [stranger, unknown] = [await uploadTo(cyd, id, good), await uploadTo(cyd, uuidOf('no such room'), good)];
    expect([stranger.status, await refusal(stranger)]).toEqual([403, await refusal(unknown)]);
    expect((await uploadTo(ada, pair.id, good)).status).toBe(400);
    const invalid = [
      [await bomb(), 'must have at most 50 million pixels, all frames together'],
      [Buffer.from('no picture'), 'cannot be decoded as a picture'],
      [good.subarray(0, 60), 'cannot be decoded as a picture'],
      [Buffer.alloc(MAX_ROOM_IMAGE_BYTES + 1), 'must be at most 5 MiB'],
      [Buffer.alloc(4 * MAX_ROOM_IMAGE_BYTES), 'must be at most 5 MiB'],
      [Buffer.alloc(0), 'must not be empty'],
    ] as const;
    for (const [content, message] of invalid) {
      const refused = await uploadTo(ada, id, content);
      expect([refused.status, (await refusal(refused)).errors]).toEqual([400, [{ path: 'image', message }]]);
    }
    const misnamed = await upload(ada, `/api/rooms/${id}/upload-img`, 'picture', good);
    expect([misnamed.status, (await refusal(misnamed)).errors?.[0]?.path]).toEqual([400, 'image']);
    expect(await statusFor(ada, `/api/rooms/${id}/image`)).toBe(404);
  });
});
