/** How every mail of the corpora reads is as a person looked over it and found it right. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openMime, type Mime } from './mime.ts';
import { folder, GOLDEN, own, readAll, real, type Reading } from './testing/readings.ts';

const golden = new Map<string, Reading>(
  readFileSync(GOLDEN, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const reading = JSON.parse(line) as Reading; // as write-readings.ts wrote it
      return [reading.mail, reading];
    }),
);

let mime: Mime;
beforeAll(() => {
  mime = openMime();
});
afterAll(() => mime.close());

describe('the corpora', () => {
  it('read as recorded, our own', async () => {
    const readings = await readAll(mime, own);
    expect(readings.length).toBeGreaterThan(20);
    for (const reading of readings) expect(reading).toEqual(golden.get(reading.mail));
  });

  it('read as recorded, the real ones', async ({ annotate, skip }) => {
    if (real.length === 0) skip(`no real mail in ${folder}`);
    await annotate(`read ${real.length} real mails of ${folder} as recorded and reviewed`);
    const readings = await readAll(mime, real);
    const wrong = readings.filter((reading) => JSON.stringify(reading) !== JSON.stringify(golden.get(reading.mail)));
    expect(wrong.slice(0, 5)).toEqual(wrong.slice(0, 5).map(({ mail }) => golden.get(mail)));
    expect(golden.size).toBe(real.length + own.length);
  }, 120_000);
});
