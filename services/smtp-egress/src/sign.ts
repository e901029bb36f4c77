/** Which domain signs a mail: that of its author, which is what DMARC looks at (RFC 9989), if it is ours. */
import { type SigningKey, signingKeys } from '@tidings/infra/dkim/keys';
import { fieldsOf } from '@tidings/infra/mime/head';
import type { Logger } from 'pino';
import type { Platform } from '../../platform/src/platform.ts';
import { headOf } from './head.ts';
import type { Sign } from './message.ts';

type Parts = Pick<Platform, 'pool' | 'keys' | 'now' | 'config'> & { readonly logger: Logger };

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
      const { signMail } = await import('@tidings/infra/dkim/sign'); // much to load, for the first mail that goes out
      return await signMail(bytes(), domain, await keysOf(domain), now());
    } catch (error) {
      logger.warn({ err: error, emailId: mail.emailId }, 'a mail goes out unsigned');
      return '';
    }
  };
};

const authorDomain = async (bytes: AsyncIterable<Uint8Array>): Promise<string | null> => {
  for (const field of fieldsOf(await headOf(bytes))) {
    const text = Buffer.from(field).toString('utf8');
    if (/^from\s*:/i.test(text)) return /@([^\s<>@"(),;:]+)\s*>?\s*$/.exec(text.trim())?.[1]?.toLowerCase() ?? null;
  }
  return null;
};
