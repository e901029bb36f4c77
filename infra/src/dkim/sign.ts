/**
 * DKIM signatures of outgoing mail (RFC 6376), one for each key of the domain. Mailauth reads the message and puts it in the form that is signed;
 * we sign, because it would parse a key anew for each mail, and sign on the thread that everything else waits for.
 */
import { createHash, sign } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import type { SigningKey } from './keys.ts';
import {
  dkimBody,
  formatSignatureHeaderLine,
  generateCanonicalizedHeader,
  getSigningHeaderLines,
  type HeaderField,
  MessageParser,
  type SigningHeaderLines,
} from './mailauth.ts';

const CANONICALIZATION = 'relaxed/relaxed';
/** With a callback it works beside the event loop. */
const signAside = promisify(sign);

/**
 * @param now milliseconds since the epoch
 * @returns header fields to put in front of the message, each with its line end
 * @throws for a message without `From`, which no signature may leave out (RFC 6376 §5.4)
 */
export const signMail = async (
  bytes: AsyncIterable<Uint8Array>,
  domain: string,
  keys: readonly SigningKey[],
  now: number,
): Promise<string> => {
  const read = new Signed();
  await pipeline(bytes, read);
  const lines = getSigningHeaderLines(read.fields);
  if (!lines.headers.some(({ key }) => key === 'from')) throw new Error(`DKIM of ${domain}: the mail has no From`);
  const bodyHash = read.bodyHash();
  const fields = await Promise.all(keys.map((key) => signatureBy(key, { lines, bodyHash, domain, now })));
  return fields.map((field) => `${field}\r\n`).join('');
};

/** What signatures cover. */
class Signed extends MessageParser {
  fields: readonly HeaderField[] = [];
  readonly #body = dkimBody('relaxed', 'sha256');

  override async messageHeaders({ parsed }: { readonly parsed: readonly HeaderField[] }): Promise<void> {
    this.fields = parsed;
  }
  override async nextChunk(chunk: Buffer): Promise<void> {
    this.#body.update(chunk);
  }
  /** Once, at the end. */
  bodyHash(): string {
    return this.#body.digest('base64');
  }
}

interface Content {
  readonly lines: SigningHeaderLines;
  readonly bodyHash: string;
  readonly domain: string;
  readonly now: number;
}

const signatureBy = async ({ selector, algorithm, privateKey }: SigningKey, { lines, bodyHash, domain, now }: Content): Promise<string> => {
  const { canonicalizedHeader, dkimHeaderOpts } = generateCanonicalizedHeader('DKIM', lines, {
    ...{ signingDomain: domain, selector, algorithm: `${algorithm}-sha256`, canonicalization: CANONICALIZATION, bodyHash },
    ...{ timestamp: Math.floor(now / 1000), expiration: false },
  });
  const signature =
    algorithm === 'rsa'
      ? await signAside('sha256', canonicalizedHeader, privateKey)
      : // RFC 8463 §3: of Ed25519 it is the hash that is signed.
        await signAside(null, createHash('sha256').update(canonicalizedHeader).digest(), privateKey);
  return formatSignatureHeaderLine('DKIM', { ...dkimHeaderOpts, b: signature.toString('base64') }, true);
};
