import { derivedId, type UserId } from '@tidings/contracts/ids';
import { sortedPair } from '../pair.ts';

export const category = 'relationship';
/** The same for both orders of the pair. */
export const relationshipKey = (a: UserId, b: UserId): string => derivedId<string>('relationship', ...sortedPair(a, b));
