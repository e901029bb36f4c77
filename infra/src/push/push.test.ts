import { createPublicKey, verify } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import pg from 'pg';
import { createTestDatabase, type TestDatabase } from '../../../tests/kit/postgres.ts';
import { newPushBrowser } from '../../../tests/kit/push-browser.ts';
import { migrateOutbound } from '../webhooks/migrations.ts';
import { MAX_PUSH_BYTES, pushCall } from './message.ts';
import { vapidKeys } from './vapid.ts';

let database: TestDatabase;
let pool: pg.Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = new pg.Pool({ connectionString: database.url });
  await migrateOutbound(pool);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const json = (part: string | undefined): unknown => JSON.parse(Buffer.from(part ?? '', 'base64url').toString());

describe('Web Push', () => {
  it('makes one key pair, whoever asks first', async () => {
    const [one, ...others] = await Promise.all(Array.from({ length: 5 }, () => vapidKeys(pool)));
    for (const other of others) expect(other).toEqual(one);
    expect(await vapidKeys(pool)).toEqual(one);
  });

  it('encrypts for one browser what no other can open, within what push services take', async () => {
    const [browser, stranger] = [newPushBrowser(), newPushBrowser()];
    const payload = JSON.stringify({ text: 'ä'.repeat((MAX_PUSH_BYTES - 11) / 2) });
    const { body } = pushCall({ endpoint: 'https://push.example.net/x', ...browser.keys }, payload, await vapidKeys(pool), 'mailto:a@b.c');
    expect(Buffer.byteLength(body)).toBeLessThanOrEqual(4096);
    expect(browser.open(Buffer.from(body))).toBe(payload);
    expect(() => stranger.open(Buffer.from(body))).toThrow();
  });

  it('signs for the push service who sends (RFC 8292)', async () => {
    const keys = await vapidKeys(pool);
    const call = pushCall({ endpoint: 'https://push.example.net/x/y', ...newPushBrowser().keys }, '{}', keys, 'mailto:a@b.c');
    expect(call).toMatchObject({ url: 'https://push.example.net/x/y', headers: { 'content-encoding': 'aes128gcm' } });
    const [, token = '', key] = /^vapid t=([\w.-]+), k=([\w-]+)$/.exec(call.headers['authorization'] ?? '') ?? [];
    expect(key).toBe(keys.publicKey);
    const [header, claims, signature = ''] = token.split('.');
    expect(json(header)).toMatchObject({ alg: 'ES256' });
    expect(json(claims)).toMatchObject({ aud: 'https://push.example.net', sub: 'mailto:a@b.c' });
    const point = Buffer.from(keys.publicKey, 'base64url');
    const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString('base64url'));
    const publicKey = createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', x: x ?? '', y: y ?? '' } });
    const signed = verify(
      'sha256',
      Buffer.from(`${header}.${claims}`),
      { key: publicKey, dsaEncoding: 'ieee-p1363' },
      Buffer.from(signature, 'base64url'),
    );
    expect(signed).toBe(true);
  });
});
