/**
 * The keys that our domains sign outgoing mail with (RFC 6376, RFC 8463): an RSA key, which everybody checks, and an Ed25519 key beside it. Made once by
 * whoever asks first. Private halves are kept encrypted (AES-256-GCM) with a key of the domain's own, which lies where the keys of people's data lie.
 */
import { createCipheriv, createDecipheriv, createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { derivedId, type SubjectId } from '@tidings/contracts/ids';
import type { SubjectKeys } from '@tidings/contracts/ports/subject-keys';
import type { Pool } from 'pg';

/** What DNS says of a key. */
export interface PublishedKey {
  readonly selector: string;
  /** `v=DKIM1; k=rsa; p=…` */
  readonly record: string;
}
export interface SigningKey {
  readonly selector: string;
  readonly algorithm: Algorithm;
  readonly privateKey: KeyObject;
}

type Algorithm = 'rsa' | 'ed25519';
const ALGORITHMS: readonly Algorithm[] = ['rsa', 'ed25519'];

interface Row {
  readonly algorithm: Algorithm;
  readonly selector: string;
  readonly record: string;
  /** PKCS #8, PEM. */
  readonly sealed: Buffer;
}

/** Needs the schema `egress`. The RSA key first. */
export const signingKeys = async (pool: Pool, keys: SubjectKeys, domain: string, now: number): Promise<readonly SigningKey[]> => {
  const secret = await secretOf(keys, domain);
  return (await made(pool, secret, domain, now)).map(({ algorithm, selector, sealed }) => ({
    ...{ algorithm, selector, privateKey: createPrivateKey(unseal(secret, domain, sealed)) },
  }));
};

/** What DNS must say before the first mail goes out. */
export const publishedKeys = async (pool: Pool, keys: SubjectKeys, domain: string, now: number): Promise<readonly PublishedKey[]> =>
  (await made(pool, await secretOf(keys, domain), domain, now)).map(({ selector, record }) => ({ selector, record }));

const made = async (pool: Pool, secret: Buffer, domain: string, now: number): Promise<readonly Row[]> => {
  const rows = await rowsOf(pool, domain);
  if (rows.length === ALGORITHMS.length) return rows;
  await make(pool, secret, domain, now);
  return rowsOf(pool, domain);
};

const rowsOf = async (pool: Pool, domain: string): Promise<readonly Row[]> => {
  const { rows } = await pool.query<Row>(
    'select algorithm, selector, record, sealed from egress.dkim_key where domain = $1 order by algorithm desc',
    [domain],
  );
  return rows;
};

const make = async (pool: Pool, secret: Buffer, domain: string, now: number): Promise<void> => {
  for (const algorithm of ALGORITHMS) {
    const { privateKey, p } = generate(algorithm);
    const selector = `tidings-${algorithm}-${new Date(now).toISOString().slice(0, 10).replaceAll('-', '')}`;
    await pool.query(
      'insert into egress.dkim_key (domain, algorithm, selector, record, sealed) values ($1, $2, $3, $4, $5) on conflict do nothing',
      [...[domain, algorithm, selector, `v=DKIM1; k=${algorithm}; p=${p}`, seal(secret, domain, privateKey)]],
    );
  }
};

/** RFC 8463 §4: of an Ed25519 key the 32 bytes alone are published, of an RSA key its SubjectPublicKeyInfo. */
const generate = (algorithm: Algorithm): { readonly privateKey: string; readonly p: string } => {
  const pair = algorithm === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ed25519');
  const spki = pair.publicKey.export({ type: 'spki', format: 'der' });
  const bytes = algorithm === 'rsa' ? spki : spki.subarray(-32);
  return { privateKey: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), p: bytes.toString('base64') };
};

const secretOf = async (keys: SubjectKeys, domain: string): Promise<Buffer> => {
  const subject = derivedId<SubjectId>('mail-domain', domain);
  const secret = (await keys.obtain([subject])).get(subject) ?? null;
  if (secret === null) throw new Error(`the key of the domain ${domain} was destroyed`);
  return secret;
};

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

const seal = (secret: Buffer, domain: string, text: string): Buffer => {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', secret, nonce).setAAD(Buffer.from(domain));
  return Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
};

const unseal = (secret: Buffer, domain: string, sealed: Buffer): string => {
  const decipher = createDecipheriv('aes-256-gcm', secret, sealed.subarray(0, NONCE_BYTES)).setAAD(Buffer.from(domain));
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]).toString('utf8');
};
