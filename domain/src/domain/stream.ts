import { derivedId } from '@tidings/contracts/ids';

export const category = 'domain';
/** Of the name in its lower-case ACE form. Derived, because stream ids take no dots of their own. */
export const domainKey = (domain: string): string => derivedId<string>('domain', domain);
