/** The issuer's signing and cookie keys, kept so that tokens and logins survive a restart. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isRight } from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import { exportJWK, generateKeyPair } from 'jose';

const Keys = t.type({
  jwk: t.type({
    kty: t.literal('RSA'),
    n: t.string,
    e: t.string,
    d: t.string,
    p: t.string,
    q: t.string,
    dp: t.string,
    dq: t.string,
    qi: t.string,
  }),
  kid: t.string,
  cookieKey: t.string,
});
export type Keys = t.TypeOf<typeof Keys>;

/** Reads the file or makes it. @throws when it is there but is no key file: delete it, and all tokens are void */
export const loadKeys = async (file: string): Promise<Keys> => {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text !== null) {
    const decoded = Keys.decode(JSON.parse(text));
    if (isRight(decoded)) return decoded.right;
    throw new Error(`${file} does not hold the development issuer's keys; delete it to have new ones made`);
  }
  const made = await makeKeys();
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, JSON.stringify(made), { mode: 0o600 });
  await chmod(`${file}.new`, 0o600);
  await rename(`${file}.new`, file);
  return made;
};

const makeKeys = async (): Promise<Keys> => {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const decoded = Keys.decode({
    jwk: await exportJWK(privateKey),
    kid: randomBytes(8).toString('hex'),
    cookieKey: randomBytes(32).toString('hex'),
  });
  if (isRight(decoded)) return decoded.right;
  throw new Error('a new RSA key has not the parts it must have');
};
