/** Which domain signs a mail: that of its author, which is what DMARC looks at (RFC 9989), if it is ours. */
import { signMail } from '@tidings/infra/dkim/sign';
import { type SigningKey, signingKeys } from '@tidings/infra/dkim/keys';
import { bodyStart, fieldsOf } from '@tidings/infra/mime/head';
import type { Logger } from 'pino';
import type { Platform } from '../../platform/src/platform.ts';
import type { Sign } from './message.ts';

type Parts = Pick<Platform, 'pool' | 'keys' | 'now' | 'config'> & { readonly logger: Logger };

const MOST_HEAD_BYTES = 64 * 1024;

/** A mail that cannot be signed goes out as it is: it may be believed less, but it arrives. */
export const signerOf = ({ pool, keys, now, config, logger }: Parts): Sign => {
  const known = new Map<string, Promise<readonly SigningKey[]>>();
  const keysOf = (domain: string): Promise<readonly SigningKey[]> => {
    const asked = known.get(domain) ?? signingKeys(pool, keys, domain, now());
    known.set(domain, asked);
    asked.catch(() => known.delete(domain));
    return asked;
  };
  return async (mail, bytes) => {
    try {
      const domain = await authorDomain(bytes());
      if (domain === null || !config.mailDomains.includes(domain)) return '';
      return await signMail(bytes(), domain, await keysOf(domain), now());
    } catch (error) {
      logger.warn({ err: error, emailId: mail.emailId }, 'a mail goes out unsigned');
      return '';
    }
  };
};

const authorDomain = async (bytes: AsyncIterable<Uint8Array>): Promise<string | null> => {
  const head: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    head.push(chunk);
    size += chunk.byteLength;
    if (size >= MOST_HEAD_BYTES) break;
  }
  const raw = Buffer.concat(head);
  for (const field of fieldsOf(raw.subarray(0, bodyStart(raw)))) {
    const text = Buffer.from(field).toString('utf8');
    if (/^from\s*:/i.test(text)) return /@([^\s<>@"(),;:]+)\s*>?\s*$/.exec(text.trim())?.[1]?.toLowerCase() ?? null;
  }
  return null;
};
