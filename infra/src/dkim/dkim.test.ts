import { execFile } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { promisify } from 'node:util';

import { dkimVerify } from 'mailauth';
import { pino } from 'pino';
import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase } from '../../../tests/kit/postgres.ts';
import { migrateEgress } from '../../../services/smtp-egress/src/migrations.ts';
import { openPool } from '../postgres/pools.ts';
import { memorySubjectKeys } from '../subject-keys/memory.ts';
import { publishedKeys, signingKeys } from './keys.ts';
import { signMail } from './sign.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let pool: Pool;
const keys = memorySubjectKeys();
beforeAll(async () => {
  database = await createTestDatabase();
  pool = openPool({ url: database.url, max: 4, name: 'test', logger: pino({ level: 'silent' }) });
  await migrateEgress(pool);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

const NOW = Date.now();
const TEXT =
  'From: Ada <ada@tidings.test>\r\nTo: bob@example.org\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nDate: Sun, 29 Nov 2026 12:00:00 +0000\r\n\r\nIt  works. \r\n\r\n\r\n';
const signed = async (): Promise<string> => {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(TEXT.slice(0, 50));
    yield Buffer.from(TEXT.slice(50));
  }
  return (await signMail(bytes(), 'tidings.test', await signingKeys(pool, keys, 'tidings.test', NOW), NOW)) + TEXT;
};

it('a domain has its two keys once, whoever asks first, and keeps the private halves to itself', async () => {
  const asked = await Promise.all([1, 2, 3].map(() => publishedKeys(pool, keys, 'other.test', NOW)));
  expect(asked[1]).toEqual(asked[0]);
  expect(asked[0]?.map(({ record }) => record.slice(0, 20))).toEqual(['v=DKIM1; k=rsa; p=MI', expect.stringContaining('k=ed25519')]);
  const { rows } = await pool.query<{ text: string }>('select k::text as text from egress.dkim_key k');
  expect(rows.map(({ text }) => Buffer.from(/\\\\x([0-9a-f]+)/.exec(text)?.[1] ?? '', 'hex').toString('latin1')).join()).not.toContain(
    'PRIVATE',
  );
});

it('both signatures hold by what DNS says, and no longer when a word is changed', async () => {
  const published = await publishedKeys(pool, keys, 'tidings.test', NOW);
  const zone = new Map(published.map(({ selector, record }) => [`${selector}._domainkey.tidings.test`, record]));
  const resolver = async (name: string): Promise<string[][]> => [[zone.get(name) ?? '']];
  const verdicts = async (mail: string) => (await dkimVerify(Buffer.from(mail), { resolver })).results.map(({ status }) => status.result);
  expect(await verdicts(await signed())).toEqual(['pass', 'pass']);
  expect(await verdicts((await signed()).replace('works', 'fails'))).not.toContain('pass');
});

const python = promisify(execFile);
const hasDkimpy = await python('python3', ['-c', 'import dkim, nacl']).then(
  () => true,
  () => false,
);

it.runIf(hasDkimpy)('another implementation finds them right', async () => {
  const published = await publishedKeys(pool, keys, 'tidings.test', NOW);
  const zone = Object.fromEntries(published.map(({ selector, record }) => [`${selector}._domainkey.tidings.test.`, record]));
  const script = `import sys, json, dkim
zone, mail = json.loads(sys.argv[1]), sys.argv[2].encode()
d = dkim.DKIM(mail)
print([d.verify(idx=i, dnsfunc=lambda name, timeout=5: zone[name.decode() if isinstance(name, bytes) else name].encode()) for i in range(2)])`;
  const { stdout } = await python('python3', ['-c', script, JSON.stringify(zone), await signed()]);
  expect(stdout.trim()).toBe('[True, True]');
});

it('a mail without an author is not signed', async () => {
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('To: bob@example.org\r\n\r\nIt works.\r\n');
  }
  await expect(signMail(bytes(), 'tidings.test', await signingKeys(pool, keys, 'tidings.test', NOW), NOW)).rejects.toThrow('no From');
});

it('the Ed25519 key is published as its 32 bytes (RFC 8463)', async () => {
  const [, ed] = await publishedKeys(pool, keys, 'tidings.test', NOW);
  const [, secret] = await signingKeys(pool, keys, 'tidings.test', NOW);
  if (secret === undefined) throw new Error('there is no second key');
  const bytes = createPublicKey(secret.privateKey).export({ type: 'spki', format: 'der' }).subarray(-32);
  expect(ed?.record).toBe(`v=DKIM1; k=ed25519; p=${bytes.toString('base64')}`);
});
