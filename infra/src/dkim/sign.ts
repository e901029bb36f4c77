/** DKIM signatures of outgoing mail (RFC 6376), by mailauth: one for each key of the domain. */
import { Readable } from 'node:stream';
import { dkimSign } from 'mailauth';
import type { SigningKey } from './keys.ts';

/** @returns header fields to put in front of the message, each with its line end */
export const signMail = async (
  bytes: AsyncIterable<Uint8Array>,
  domain: string,
  keys: readonly SigningKey[],
  now: number,
): Promise<string> => {
  const shared = { canonicalization: 'relaxed/relaxed', signingDomain: domain, signTime: new Date(now) };
  const { signatures, errors } = await dkimSign(Readable.from(bytes, { objectMode: false }), {
    // The signer asks for one key here, and takes those below.
    ...{ ...shared, selector: keys[0]?.selector ?? '', privateKey: keys[0]?.privateKey ?? '' },
    signatureData: keys.map(({ selector, privateKey }) => ({ ...shared, selector, privateKey })),
  });
  const [error] = errors;
  if (error !== undefined) throw new Error(`DKIM of ${domain}: ${error.err.message}`, { cause: error.err });
  return signatures;
};
