import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ImageRefused, ImagesBusy, openImages } from './images.ts';

let folder: string;
let images = openImages({ processes: 1 });
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidings-images-'));
});
afterAll(async () => {
  await images.close();
  await rm(folder, { recursive: true });
});

let files = 0;
const file = async (bytes: Uint8Array): Promise<string> => {
  const path = join(folder, String((files += 1)));
  await writeFile(path, bytes);
  return path;
};
const plain = (width: number, height: number, background = '#c04020', channels: 3 | 4 = 3): Sharp =>
  sharp({ create: { width, height, channels, background } });
const pixel = async (path: string, left: number, top: number): Promise<readonly number[]> => [
  ...(await sharp(path).extract({ left, top, width: 1, height: 1 }).raw().toBuffer()),
];
const closeTo = (...wanted: readonly number[]): readonly unknown[] => wanted.map((value) => expect.closeTo(value, -1.3));

/** A left half in red and a right one in blue. */
const halves = async (width: number, height: number): Promise<Sharp> =>
  plain(width, height, '#ff0000').composite([
    {
      input: await plain(width / 2, height, '#0000ff')
        .png()
        .toBuffer(),
      left: width / 2,
      top: 0,
    },
  ]);

/** A PNG of black pixels; its rows pack a thousandfold. */
const hugePng = (width: number, height: number): Buffer => {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    check.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, check]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([1, 0, 0, 0, 0], 8); // one bit a pixel, grey
  const rows = Buffer.alloc((Math.ceil(width / 8) + 1) * height);
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', head),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
};

const GPS = { IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '51/1 30/1 0/1', GPSLongitudeRef: 'W', GPSLongitude: '0/1 7/1 0/1' } };

describe('a room image', () => {
  it('is cut from the middle to 500×500 in JPEG', async () => {
    const made = await images.roomImage(await file(await (await halves(1200, 600)).png().toBuffer()));
    expect(made).toMatchObject({ mimeType: 'image/jpeg', width: 500, height: 500 });
    expect(await sharp(made.path).metadata()).toMatchObject({ format: 'jpeg', width: 500, height: 500 });
    expect(await pixel(made.path, 100, 250)).toEqual(closeTo(254, 0, 0));
    expect(await pixel(made.path, 400, 250)).toEqual(closeTo(0, 0, 254));
  });

  it('stays whole when it is smaller on either side, and is a JPEG all the same (W14)', async () => {
    const small = await images.roomImage(await file(await plain(499, 2000).webp().toBuffer()));
    expect(small).toMatchObject({ mimeType: 'image/jpeg', width: 499, height: 2000 });
    expect(await sharp(small.path).metadata()).toMatchObject({ format: 'jpeg' });
  });

  it('has white where it was transparent', async () => {
    const made = await images.roomImage(await file(await plain(10, 10, '#00000000', 4).png().toBuffer()));
    expect(await pixel(made.path, 5, 5)).toEqual(closeTo(255, 255, 255));
  });

  it('is no PDF and no SVG', async () => {
    for (const text of ['%PDF-1.7\n', '<svg xmlns="http://www.w3.org/2000/svg" width="600" height="600"/>', '']) {
      await expect(images.roomImage(await file(Buffer.from(text)))).rejects.toThrow('cannot be decoded as a picture');
    }
  });
});

describe('media', () => {
  it.each(['jpeg', 'png', 'webp', 'gif'] as const)('keeps a picture in %s, without what was told in it', async (format) => {
    const bytes = await plain(40, 30).withExif(GPS).withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/"/>').toFormat(format).toBuffer();
    const seen = await images.media(await file(Buffer.concat([bytes, Buffer.from('<?php a stowaway')])));
    if (seen.type !== 'picture') throw new Error('no picture');
    expect(seen).toMatchObject({ mimeType: `image/${format}`, width: 40, height: 30 });
    const facts = await sharp(seen.path).metadata();
    expect([facts.format, facts.exif, facts.xmp, facts.icc, facts.iptc]).toEqual([format, undefined, undefined, undefined, undefined]);
    expect((await readFile(seen.path)).includes('stowaway')).toBe(false);
  });

  it('shows AVIF as what every browser and encoder can', async () => {
    expect(await images.media(await file(await plain(40, 30).avif().toBuffer()))).toMatchObject({ mimeType: 'image/jpeg' });
    const glass = await plain(40, 30, '#00ff0080', 4).avif().toBuffer();
    expect(await images.media(await file(glass))).toMatchObject({ mimeType: 'image/webp', width: 40, height: 30 });
  });

  it('turns a picture the way its camera was held', async () => {
    const lying = await (await halves(60, 40)).jpeg({ quality: 100 }).withMetadata({ orientation: 6 }).toBuffer();
    const seen = await images.media(await file(lying));
    if (seen.type !== 'picture') throw new Error('no picture');
    expect(seen).toMatchObject({ width: 40, height: 60 });
    expect((await sharp(seen.path).metadata()).orientation).toBeUndefined();
    expect(await pixel(seen.path, 20, 10)).toEqual(closeTo(254, 0, 0));
    expect(await pixel(seen.path, 20, 50)).toEqual(closeTo(0, 0, 254));
  });

  it.each(['gif', 'webp'] as const)('keeps the frames of a %s', async (format) => {
    const frames = await Promise.all(['#ff0000', '#00ff00', '#0000ff'].map((colour) => plain(20, 16, colour).png().toBuffer()));
    const moving = await sharp(frames, { join: { animated: true } })
      .toFormat(format, { delay: [100, 100, 100] })
      .toBuffer();
    const seen = await images.media(await file(moving));
    if (seen.type !== 'picture') throw new Error('no picture');
    expect(seen).toMatchObject({ mimeType: `image/${format}`, width: 20, height: 16 });
    expect(await sharp(seen.path).metadata()).toMatchObject({ pages: 3, height: 16 });
  });

  it.each([
    ['%PDF-1.7\n1 0 obj\n', 'application/pdf'],
    ['PK\u0003\u0004 and so on', 'application/zip'],
    ['\u0000\u0000\u0000\u0018ftypmp42\u0000\u0000\u0000\u0000mp42isom', 'video/mp4'],
    ['name,born\nAda,1815 — 🧮\n', 'text/plain'],
    ['<script>alert(1)</script>', 'text/plain'],
    ['\u0001\u0002\u0003', 'application/octet-stream'],
  ])('says of a file what it is: %j', async (content, mimeType) => {
    expect(await images.media(await file(Buffer.from(content)))).toEqual({ type: 'file', mimeType });
  });

  it('does not keep a picture that it cannot clean', async () => {
    const heic = Buffer.from('\u0000\u0000\u0000\u0018ftypheic\u0000\u0000\u0000\u0000mif1heic');
    await expect(images.media(await file(heic))).rejects.toThrow('is image/heic, whose hidden data cannot be removed');
  });
});

describe('a hostile picture', () => {
  it('is refused by its header when it has too many pixels', async () => {
    const bomb = hugePng(15_000, 15_000);
    expect(bomb.length).toBeLessThan(100_000);
    const path = await file(bomb);
    await expect(images.media(path)).rejects.toThrow(new ImageRefused('must have at most 50 million pixels, all frames together'));
    await expect(images.roomImage(path)).rejects.toBeInstanceOf(ImageRefused);
    await expect(images.media(await file(hugePng(16_001, 1)))).rejects.toThrow('must be at most 16000 pixels wide and high');
    expect(await readdir(folder)).not.toContain(`${files}.new`);
  });

  it('is refused when all its frames together have too many', async () => {
    const frames = await Promise.all(
      Array.from({ length: 13 }, (_, n) =>
        plain(2000, 2000, `rgb(${n * 19}, 0, 0)`)
          .png()
          .toBuffer(),
      ),
    );
    const moving = await sharp(frames, { join: { animated: true }, limitInputPixels: false })
      .gif({ effort: 1, dither: 0 })
      .toBuffer();
    expect(moving.length).toBeLessThan(1_000_000);
    await expect(images.media(await file(moving))).rejects.toThrow('50 million pixels');
  });

  it('is refused when it ends early or breaks in its middle', async () => {
    const whole = await (await halves(300, 300)).jpeg().toBuffer();
    await expect(images.media(await file(whole.subarray(0, whole.length / 2)))).rejects.toThrow('cannot be decoded as a picture');
    const png = await (await halves(300, 300)).png().toBuffer();
    png.fill(0xff, 200, 240);
    await expect(images.roomImage(await file(png))).rejects.toThrow('cannot be decoded as a picture');
  });

  it('that takes too long costs its own request only', async () => {
    const hasty = openImages({ processes: 1, timeoutMs: 5 });
    const photo = await file(await plain(4000, 4000).jpeg().toBuffer());
    await expect(hasty.media(photo)).rejects.toThrow('takes more time or memory');
    await hasty.close();
    expect(await images.media(photo)).toMatchObject({ width: 4000 });
  });

  it('of the most pixels there may be is within time and memory', async () => {
    const before = Date.now();
    const seen = await images.media(await file(hugePng(10_000, 5_000)));
    expect(seen).toMatchObject({ width: 10_000, height: 5_000 });
    expect(Date.now() - before).toBeLessThan(20_000);
  });
});

describe('the queue', () => {
  it('is bounded, and a process ends after its work', async () => {
    const small = openImages({ processes: 1, maxWaiting: 1, idleMs: 1 });
    const path = await file(await plain(30, 30).png().toBuffer());
    const [first, second] = [small.media(path), small.media(path)];
    await expect(small.media(path)).rejects.toBeInstanceOf(ImagesBusy);
    await Promise.all([first, second]);
    await small.close();
    expect((await stat(`${path}.new`)).size).toBeGreaterThan(0);
  });
});
